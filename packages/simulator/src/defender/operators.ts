/** The filter operators of the Defender for Cloud Apps API, each as a question asked of a field's values.
 *  A field has any number of values (an alert has many entities); which fields there are is in `alert-fields.ts` and
 *  `activity-fields.ts`, and what reads the JSON is in `filters.ts`. There is no operator `in`. */

/** A value of a field: text or number as in the record; objects have been taken apart by the field. */
export type FieldValue = string | number | boolean

/** Answers for one record. */
export type Question = (values: readonly FieldValue[]) => boolean

export const operatorNames = [
  'eq',
  'neq',
  'deq',
  'contains',
  'ncontains',
  'startswith',
  'doesnotstartwith',
  'endswith',
  'descendantof',
  'ndescendantof',
  'isset',
  'isnotset',
  'startswithsingle',
  'text',
  'gt',
  'gte',
  'lt',
  'lte',
  'gte_ndays',
  'lte_ndays',
  'range',
] as const

export type OperatorName = (typeof operatorNames)[number]

const dayMs = 24 * 60 * 60 * 1000

/**
 * Makes the question of one operator.
 * @param nowMs the service's clock, for `gte_ndays` and `lte_ndays`.
 * @returns undefined when the value does not fit the operator; the service answers 400 then.
 */
export function makeQuestion(operator: OperatorName, value: unknown, nowMs: number): Question | undefined {
  switch (operator) {
    case 'isset':
    case 'isnotset':
      return typeof value === 'boolean' ? presence(operator === 'isset' ? value : !value) : undefined
    case 'gt':
    case 'gte':
    case 'lt':
    case 'lte':
    case 'gte_ndays':
    case 'lte_ndays':
    case 'range':
      return comparison(operator, value, nowMs)
    case 'text':
    case 'startswithsingle':
      return typeof value === 'string' ? textual(operator === 'text' ? 'contains' : 'startswith', [value]) : undefined
    default:
      return listed(operator, value)
  }
}

function presence(isWanted: boolean): Question {
  return (values) => values.some((value) => value !== '') === isWanted
}

/** Times in Unix milliseconds; days count back from now. */
function comparison(operator: OperatorName, value: unknown, nowMs: number): Question | undefined {
  const spans = toSpans(operator, value, nowMs)
  if (spans === undefined) return undefined
  return (values) =>
    values.some((each) => typeof each === 'number' && spans.some((span) => each >= span.fromMs && each <= span.toMs))
}

/** Both ends belong to the span; milliseconds are whole, so `gt` is `gte` one later. */
export interface Span {
  readonly fromMs: number
  readonly toMs: number
}

/** The spans of time an operator lets pass, undefined when its value does not fit. */
export function toSpans(operator: string, value: unknown, nowMs: number): readonly Span[] | undefined {
  if (operator === 'range') return Array.isArray(value) ? toRanges(value) : undefined
  if (operator === 'eq') {
    const list: readonly unknown[] = Array.isArray(value) ? value : [value]
    return list.every(isNumber) ? list.map((each) => ({ fromMs: each, toMs: each })) : undefined
  }
  // A number sent as a query parameter or a form field is text.
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  if (!isNumber(number)) return undefined
  if (operator === 'gt') return [{ fromMs: number + 1, toMs: Number.POSITIVE_INFINITY }]
  if (operator === 'gte') return [{ fromMs: number, toMs: Number.POSITIVE_INFINITY }]
  if (operator === 'lt') return [{ fromMs: Number.NEGATIVE_INFINITY, toMs: number - 1 }]
  if (operator === 'lte') return [{ fromMs: Number.NEGATIVE_INFINITY, toMs: number }]
  if (operator === 'gte_ndays') return [{ fromMs: nowMs - number * dayMs, toMs: Number.POSITIVE_INFINITY }]
  if (operator === 'lte_ndays') return [{ fromMs: Number.NEGATIVE_INFINITY, toMs: nowMs - number * dayMs }]
  return undefined
}

function toRanges(list: readonly unknown[]): readonly Span[] | undefined {
  const spans: Span[] = []
  for (const each of list) {
    if (typeof each !== 'object' || each === null) return undefined
    const { start, end } = each as { readonly start?: unknown; readonly end?: unknown }
    if ((start !== undefined && !isNumber(start)) || (end !== undefined && !isNumber(end))) return undefined
    spans.push({ fromMs: start ?? Number.NEGATIVE_INFINITY, toMs: end ?? Number.POSITIVE_INFINITY })
  }
  return spans
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value)
}

/** Operators whose value is a list; a lone value counts as a list of one. */
function listed(operator: OperatorName, value: unknown): Question | undefined {
  const wanted = toList(value)
  if (wanted === undefined || wanted.length === 0) return undefined
  switch (operator) {
    case 'eq':
      return isOneOf(wanted)
    case 'neq': {
      // "Do not contain all the provided values" is read as the portal shows it: none of them.
      const equal = isOneOf(wanted)
      return (values) => !equal(values)
    }
    case 'deq':
      return (values) => values.some((each) => !wanted.some((one) => isEqual(each, one)))
    case 'descendantof':
      return isBelow(wanted)
    case 'ndescendantof': {
      const below = isBelow(wanted)
      return (values) => !below(values)
    }
    case 'contains':
    case 'startswith':
    case 'endswith':
      return textual(operator, wanted)
    case 'ncontains':
    case 'doesnotstartwith': {
      const matches = textual(operator === 'ncontains' ? 'contains' : 'startswith', wanted)
      return (values) => !matches(values)
    }
    default:
      return undefined
  }
}

/** `null` in a list stands for "no value". */
function toList(value: unknown): readonly (FieldValue | null)[] | undefined {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value]
  const fits = (each: unknown): each is FieldValue | null =>
    each === null || typeof each === 'string' || typeof each === 'number' || typeof each === 'boolean'
  return list.every(fits) ? list : undefined
}

function isOneOf(wanted: readonly (FieldValue | null)[]): Question {
  return (values) =>
    wanted.some((one) => (one === null ? values.length === 0 : values.some((each) => isEqual(each, one))))
}

/** Ids arrive as numbers or as text, depending on the client. */
function isEqual(each: FieldValue, one: FieldValue | null): boolean {
  return one !== null && (each === one || String(each) === String(one))
}

/** Text is compared without regard to case (inferred: the portal searches so). */
function textual(operator: 'contains' | 'startswith' | 'endswith', wanted: readonly (FieldValue | null)[]): Question {
  const needles = wanted.map((one) => String(one ?? '').toLowerCase())
  const test = { contains: 'includes', startswith: 'startsWith', endswith: 'endsWith' } as const
  const method = test[operator]
  return (values) =>
    values.some((each) => {
      const text = String(each).toLowerCase()
      return needles.some((needle) => text[method](needle))
    })
}

/** The unit itself or one below it; levels are parted by a slash. */
function isBelow(wanted: readonly (FieldValue | null)[]): Question {
  return (values) =>
    values.some((each) => wanted.some((one) => isEqual(each, one) || String(each).startsWith(`${one}/`)))
}
