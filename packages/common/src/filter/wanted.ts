/** Reads what a filter wants: the value of one operator, checked against its field and brought into the field's own type.
 *  Anything JSON can hold may arrive here; nothing is walked deeper than a list of values. Judging is in predicates.ts. */
import type { EvaluableField, KnownValue } from './fields.ts'
import { type OperandShape, type Operator, operators } from './operators.ts'
import { clip, type ProblemList } from './problems.ts'
import {
  isObject,
  isTooLong,
  type Path,
  quote,
  type Report,
  readFlag,
  readId,
  readNumber,
  readTime,
  tooLong,
} from './scalars.ts'

/** Values in one list. */
const VALUES_MAX = 1_000
const DAYS_MAX = 36_500

/** `saas` and `instance` are undefined when the filter leaves them open. */
export interface WantedEntity {
  readonly id: string
  readonly saas: string | undefined
  readonly instance: string | undefined
}

export interface WantedRange {
  readonly start: number
  readonly end: number
}

/** A value of the field's own type, or an entity; null asks for "no value". */
export type WantedValue = string | number | boolean | WantedEntity | null

/** What an operator compares with. */
export type Wanted =
  | { readonly shape: 'list'; readonly values: readonly WantedValue[] }
  | { readonly shape: 'ranges'; readonly ranges: readonly WantedRange[] }
  /** Milliseconds since the epoch where the field is a time. */
  | { readonly shape: 'bound'; readonly bound: number }
  | { readonly shape: 'days'; readonly days: number }
  | { readonly shape: 'presence'; readonly hasValue: boolean }
  | { readonly shape: 'phrase'; readonly phrase: string }

type FieldFacts = Pick<EvaluableField<never>, 'type' | 'values' | 'isClosed' | 'hasNullText'>

/** Reads an operator's value; undefined after reporting why it cannot be used. */
export function readWanted(
  field: FieldFacts,
  operator: Operator,
  value: unknown,
  path: Path,
  problems: ProblemList,
): Wanted | undefined {
  const report: Report = (at, message) => problems.add(at, message)
  const shape: OperandShape = operators[operator].operand
  switch (shape) {
    case 'list':
      return readList(field, operator, value, path, problems)
    case 'ranges':
      return readRanges(value, path, problems)
    case 'bound': {
      const bound = field.type === 'number' ? readBound(value, operator, path, report) : readTime(value, path, report)
      return bound === undefined ? undefined : { shape, bound }
    }
    case 'days': {
      const days = readNumber(value)
      if (days !== undefined && days >= 0 && days <= DAYS_MAX) return { shape, days }
      return report(path, `${operator} takes a number of days from 0 to ${DAYS_MAX}, not ${quote(value)}`)
    }
    case 'presence': {
      const flag = readFlag(value)
      if (flag === undefined) return report(path, `${operator} takes true or false, not ${quote(value)}`)
      return { shape, hasValue: flag === (operator === 'isset') }
    }
    case 'phrase': {
      if (typeof value !== 'string' || value.trim() === '')
        return report(path, `${operator} takes one text, not ${quote(value)}`)
      return isTooLong(value) ? report(path, tooLong) : { shape, phrase: value }
    }
    default:
      return shape satisfies never
  }
}

function readBound(value: unknown, operator: Operator, path: Path, report: Report): number | undefined {
  return readNumber(value) ?? report(path, `${operator} takes one number, not ${quote(value)}`)
}

function readList(
  field: FieldFacts,
  operator: Operator,
  value: unknown,
  path: Path,
  problems: ProblemList,
): Wanted | undefined {
  const isList = Array.isArray(value)
  const given: readonly unknown[] = isList ? value : [value]
  if (given.length === 0) return problems.add(path, `${operator} has an empty list; name at least one value`)
  if (given.length > VALUES_MAX)
    return problems.add(path, `${operator} lists ${given.length} values; at most ${VALUES_MAX} are allowed`)
  const values: WantedValue[] = []
  let isUsable = true
  for (let index = 0; index < given.length && !problems.isFull; index++) {
    const item = readItem(field, operator, given[index], isList ? [...path, index] : path, problems)
    if (item === undefined) isUsable = false
    else values.push(item)
  }
  return isUsable ? { shape: 'list', values } : undefined
}

function readItem(
  field: FieldFacts,
  operator: Operator,
  given: unknown,
  path: Path,
  problems: ProblemList,
): WantedValue | undefined {
  const report: Report = (at, message) => problems.add(at, message)
  if (given === null || (given === 'null' && field.hasNullText)) {
    if (operator === 'eq' || operator === 'neq') return null
    return report(path, `${operator} cannot look for null; eq null asks for records without a value`)
  }
  if (given === '') return report(path, `${operator} has an empty text; eq null asks for records without a value`)
  if (typeof given === 'string' && isTooLong(given)) return report(path, tooLong)
  const item = readTyped(field, operator, given, path, report)
  if (item !== undefined && field.isClosed && !field.values.some(([known]) => sameValue(known, item)))
    return report(path, `takes ${listValues(field.values)}, not ${quote(given)}`)
  return item
}

function readTyped(
  field: FieldFacts,
  operator: Operator,
  given: unknown,
  path: Path,
  report: Report,
): WantedValue | undefined {
  switch (field.type) {
    case 'id':
      return readId(given) ?? report(path, `takes ids as text or whole numbers, not ${quote(given)}`)
    case 'text':
      if (typeof given === 'string') return given
      if (typeof given === 'number' && Number.isFinite(given)) return String(given)
      return report(path, `takes text, not ${quote(given)}`)
    case 'number': {
      const expected = field.values.length === 0 ? 'numbers' : listValues(field.values)
      return readNumber(given) ?? report(path, `takes ${expected}, not ${quote(given)}`)
    }
    case 'time':
      return readTime(given, path, report)
    case 'flag':
      return readFlag(given) ?? report(path, `takes true or false, not ${quote(given)}`)
    case 'entity':
      if (operator === 'startswith')
        return typeof given === 'string' ? given : report(path, `startswith takes text, not ${quote(given)}`)
      return readEntity(given, path, report)
    default:
      return field.type satisfies never
  }
}

const entityKeys: ReadonlySet<string> = new Set(['id', 'saas', 'inst'])

function readEntity(given: unknown, path: Path, report: Report): WantedEntity | undefined {
  const bare = readId(given)
  if (bare !== undefined) return { id: bare, saas: undefined, instance: undefined }
  const expected = 'takes entities as {"id": …, "saas": …, "inst": …} or their ids'
  if (!isObject(given)) return report(path, `${expected}, not ${quote(given)}`)
  const stray = Object.keys(given).find((key) => !entityKeys.has(key))
  if (stray !== undefined) return report(path, `${expected}; it cannot compare ${clip(stray)}`)
  const part = (key: string) => {
    const value = Object.hasOwn(given, key) ? given[key] : undefined
    if (value === undefined || value === null) return undefined
    const text = readId(value)
    if (text === undefined || isTooLong(text)) report([...path, key], `takes an id, not ${quote(value)}`)
    return text
  }
  const [id, saas, instance] = [part('id'), part('saas'), part('inst')]
  return id === undefined ? report(path, `${expected}; the id is missing`) : { id, saas, instance }
}

function readRanges(value: unknown, path: Path, problems: ProblemList): Wanted | undefined {
  const report: Report = (at, message) => problems.add(at, message)
  const given: readonly unknown[] = Array.isArray(value) ? value : [value]
  if (given.length === 0 || given.length > VALUES_MAX)
    return report(path, `range takes 1 to ${VALUES_MAX} objects {"start": …, "end": …}`)
  const ranges: WantedRange[] = []
  for (let index = 0; index < given.length && !problems.isFull; index++) {
    const at = Array.isArray(value) ? [...path, index] : path
    const item = given[index]
    if (!isObject(item) || !Object.hasOwn(item, 'start') || !Object.hasOwn(item, 'end')) {
      report(at, `range takes objects {"start": …, "end": …} in milliseconds, not ${quote(item)}`)
      continue
    }
    const start = readTime(item.start, [...at, 'start'], report)
    const end = readTime(item.end, [...at, 'end'], report)
    if (start === undefined || end === undefined) continue
    if (start > end) report(at, 'start is after end, so that nothing can pass; exchange them')
    else ranges.push({ start, end })
  }
  return ranges.length === given.length ? { shape: 'ranges', ranges } : undefined
}

function sameValue(known: KnownValue[0], item: WantedValue): boolean {
  return known === item || (typeof known === 'string' && typeof item === 'string' && known === item.toLowerCase())
}

/** `0 (low), 1 (medium)`. */
function listValues(values: readonly KnownValue[]): string {
  return values.map(([value, meaning]) => `${value} (${meaning})`).join(', ')
}
