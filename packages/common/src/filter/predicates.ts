/** Turns one parsed clause into a function that judges an event. Everything is prepared here once: sets, folded text,
 *  tests; judging an event then visits the field's values and allocates nothing but folded copies of text with capitals. */
import type { EntityValue, EvaluableField } from './fields.ts'
import type { Operator } from './operators.ts'
import type { Wanted, WantedEntity, WantedRange, WantedValue } from './wanted.ts'

/** Judges an event; `nowMs` matters to gte_ndays and lte_ndays alone. */
export type Predicate<E> = (event: E, nowMs: number) => boolean

type Test<V> = (value: V) => boolean

const DAY_MS = 86_400_000
const always = () => true

/** Prepares a clause. Operator and wanted belong together as `readWanted` returns them. */
export function predicateOf<E>(field: EvaluableField<E>, operator: Operator, wanted: Wanted): Predicate<E> {
  switch (wanted.shape) {
    case 'list':
      return listPredicate(field, operator, wanted.values)
    case 'ranges':
      return numberPredicate(field, (value) => isInside(value, wanted.ranges))
    case 'bound':
      return numberPredicate(field, boundTest(operator, wanted.bound))
    case 'days':
      return daysPredicate(field, operator, wanted.days * DAY_MS)
    case 'presence':
      return wanted.hasValue ? (event) => field.some(event, always) : (event) => !field.some(event, always)
    case 'phrase':
      return phrasePredicate(field, operator, wanted.phrase)
    default:
      return wanted satisfies never
  }
}

function listPredicate<E>(field: EvaluableField<E>, operator: Operator, values: readonly WantedValue[]): Predicate<E> {
  const hasNull = values.includes(null)
  const some = someListed(field, operator, values)
  switch (operator) {
    case 'neq':
      if (hasNull) return (event) => field.some(event, always) && !some(event)
      return (event) => !some(event)
    case 'ncontains':
    case 'doesnotstartwith':
      return (event) => !some(event)
    default:
      if (hasNull) return (event) => some(event) || !field.some(event, always)
      return some
  }
}

/** Whether some value of the field passes the positive form of the operator. */
function someListed<E>(
  field: EvaluableField<E>,
  operator: Operator,
  values: readonly WantedValue[],
): (event: E) => boolean {
  switch (field.type) {
    case 'id':
    case 'text': {
      const test = textTest(
        field.type,
        operator,
        values.filter((value) => typeof value === 'string'),
      )
      return (event) => field.some(event, test)
    }
    case 'number':
    case 'time':
    case 'flag': {
      const wanted: ReadonlySet<unknown> = new Set(values)
      const test = operator === 'deq' ? (value: unknown) => !wanted.has(value) : (value: unknown) => wanted.has(value)
      return (event) => field.some(event, test)
    }
    case 'entity': {
      const test = entityTest(operator, values)
      return (event) => field.some(event, test)
    }
    default:
      return field satisfies never
  }
}

function textTest(type: 'id' | 'text', operator: Operator, values: readonly string[]): Test<string> {
  const fold = type === 'text' ? lower : same
  const folded = [...new Set(values.map(fold))]
  const wanted: ReadonlySet<string> = new Set(folded)
  switch (operator) {
    case 'contains':
    case 'ncontains':
      return (value) => hasPart(fold(value), folded)
    case 'startswith':
    case 'doesnotstartwith':
      return (value) => hasStart(fold(value), folded)
    case 'endswith':
      return (value) => hasEnd(fold(value), folded)
    case 'deq':
      return (value) => !wanted.has(fold(value))
    default:
      return (value) => wanted.has(fold(value))
  }
}

function entityTest(operator: Operator, values: readonly WantedValue[]): Test<EntityValue> {
  if (operator === 'startswith') {
    const starts = values.filter((value) => typeof value === 'string').map(lower)
    return ({ id, name }) => hasStart(lower(id), starts) || (name !== undefined && hasStart(lower(name), starts))
  }
  const byId = new Map<string, WantedEntity[]>()
  for (const value of values) {
    if (typeof value !== 'object' || value === null) continue
    const sameId = byId.get(value.id)
    if (sameId === undefined) byId.set(value.id, [value])
    else sameId.push(value)
  }
  const isListed = (entity: EntityValue) => {
    const candidates = byId.get(entity.id)
    if (candidates === undefined) return false
    for (const wanted of candidates) if (isSameEntity(wanted, entity)) return true
    return false
  }
  return operator === 'deq' ? (entity) => !isListed(entity) : isListed
}

/** Ids are equal already; app and instance decide only where filter and record both name them. */
function isSameEntity({ saas, instance }: WantedEntity, entity: EntityValue): boolean {
  return (
    (saas === undefined || entity.saas === '' || entity.saas === saas) &&
    (instance === undefined || entity.instance === '' || entity.instance === instance)
  )
}

function numberPredicate<E>(field: EvaluableField<E>, test: Test<number>): Predicate<E> {
  const numbers = numbersOf(field)
  return (event) => numbers.some(event, test)
}

function boundTest(operator: Operator, bound: number): Test<number> {
  switch (operator) {
    case 'gt':
      return (value) => value > bound
    case 'gte':
      return (value) => value >= bound
    case 'lt':
      return (value) => value < bound
    default:
      return (value) => value <= bound
  }
}

function daysPredicate<E>(field: EvaluableField<E>, operator: Operator, spanMs: number): Predicate<E> {
  const times = numbersOf(field)
  // One variable for the bound instead of one closure per event; nothing runs between setting and reading it.
  let boundMs = 0
  const test: Test<number> = operator === 'gte_ndays' ? (value) => value >= boundMs : (value) => value <= boundMs
  return (event, nowMs) => {
    boundMs = nowMs - spanMs
    return times.some(event, test)
  }
}

function phrasePredicate<E>(field: EvaluableField<E>, operator: Operator, phrase: string): Predicate<E> {
  const texts = textsOf(field)
  const fold = texts.type === 'text' ? lower : same
  if (operator === 'startswithsingle') {
    const start = fold(phrase)
    const test: Test<string> = (value) => fold(value).startsWith(start)
    return (event) => texts.some(event, test)
  }
  const tests = wordsOf(phrase).map(
    (word): Test<string> =>
      (value) =>
        lower(value).includes(word),
  )
  return (event) => {
    for (const test of tests) if (!texts.some(event, test)) return false
    return true
  }
}

/** The words of a full-text search, folded, without repeats. */
function wordsOf(phrase: string): readonly string[] {
  return [...new Set(lower(phrase).split(/\s+/).filter(Boolean))]
}

function isInside(value: number, ranges: readonly WantedRange[]): boolean {
  for (const { start, end } of ranges) if (value >= start && value <= end) return true
  return false
}

function hasPart(value: string, parts: readonly string[]): boolean {
  for (const part of parts) if (value.includes(part)) return true
  return false
}

function hasStart(value: string, starts: readonly string[]): boolean {
  for (const start of starts) if (value.startsWith(start)) return true
  return false
}

function hasEnd(value: string, ends: readonly string[]): boolean {
  for (const end of ends) if (value.endsWith(end)) return true
  return false
}

/** Names, domains, addresses and free text compare without case; both sides go through here. */
function lower(text: string): string {
  return text.toLowerCase()
}

function same(text: string): string {
  return text
}

function numbersOf<E>(field: EvaluableField<E>): EvaluableField<E> & { readonly type: 'number' | 'time' } {
  if (field.type === 'time' || field.type === 'number') return field
  throw new TypeError(`${field.name} holds no numbers; its operators in the field table are wrong`)
}

function textsOf<E>(field: EvaluableField<E>): EvaluableField<E> & { readonly type: 'id' | 'text' } {
  if (field.type === 'text' || field.type === 'id') return field
  throw new TypeError(`${field.name} holds no text; its operators in the field table are wrong`)
}
