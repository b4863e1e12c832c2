/** Puts clauses into words an analyst understands: `severity is 0 (low); wanted one of 1 (medium), 2 (high)`.
 *  Values come from records, that is from anyone: they are cut, and steering characters are replaced. */
import type { EvaluableField, FieldValue, KnownValue } from './fields.ts'
import type { ParsedClause } from './parse.ts'
import { clip } from './problems.ts'
import type { WantedEntity, WantedValue } from './wanted.ts'

/** Values of a field that an explanation lists. */
const ACTUAL_MAX = 20
const ACTUAL_CHARS_MAX = 256
const SENTENCE_VALUES_MAX = 5
const SENTENCE_CHARS_MAX = 80

/** What a record holds in a field, cut to what a person reads. */
export interface Actual {
  readonly values: readonly (string | number | boolean)[]
  /** All values, those left out included. */
  readonly count: number
}

/** Collects the values of a field; entities by their ids. */
export function actualOf<E>(field: EvaluableField<E>, event: E): Actual {
  const values: (string | number | boolean)[] = []
  let count = 0
  field.some(event, (value: FieldValue) => {
    count++
    if (values.length < ACTUAL_MAX) values.push(shownValue(value))
    return false
  })
  return { values, count }
}

function shownValue(value: FieldValue): string | number | boolean {
  if (typeof value === 'object') return clip(value.id, ACTUAL_CHARS_MAX)
  return typeof value === 'string' ? clip(value, ACTUAL_CHARS_MAX) : value
}

/** What a clause found and what it wanted, in one sentence without a full stop. */
export function sentenceOf<E>(clause: ParsedClause<E>, actual: Actual, nowMs: number): string {
  const field = clip(clause.field)
  const found =
    actual.count === 0
      ? `${field} has no value`
      : `${field} is ${enumerate(
          actual.values.map((value) => label(clause.spec, value)),
          actual.count,
          ', ',
        )}`
  return `${found}; wanted ${wantedPhrase(clause, nowMs)}`
}

function wantedPhrase<E>({ spec, operator, wanted }: ParsedClause<E>, nowMs: number): string {
  switch (wanted.shape) {
    case 'list':
      return listPhrase(spec, operator, wanted.values)
    case 'ranges': {
      const spans = wanted.ranges.map(({ start, end }) => `between ${timeText(start)} and ${timeText(end)}`)
      return enumerate(spans, spans.length, ' or ')
    }
    case 'bound':
      return spec.type === 'number'
        ? `${comparisons[operator] ?? operator} ${wanted.bound}`
        : `${boundWords[operator] ?? operator} ${timeText(wanted.bound)}`
    case 'days': {
      const bound = timeText(nowMs - wanted.days * 86_400_000)
      const days = `${wanted.days} ${wanted.days === 1 ? 'day' : 'days'}`
      return operator === 'gte_ndays'
        ? `within the last ${days}, at or after ${bound}`
        : `${days} ago or earlier, at or before ${bound}`
    }
    case 'presence':
      return wanted.hasValue ? 'any value' : 'no value'
    case 'phrase':
      return operator === 'text'
        ? `every word of "${clip(wanted.phrase, SENTENCE_CHARS_MAX)}" somewhere in the record`
        : `a start of "${clip(wanted.phrase, SENTENCE_CHARS_MAX)}"`
    default:
      return wanted satisfies never
  }
}

const boundWords: Readonly<Partial<Record<string, string>>> = {
  gt: 'after',
  gte: 'at or after',
  lt: 'before',
  lte: 'at or before',
}

const comparisons: Readonly<Partial<Record<string, string>>> = {
  gt: 'more than',
  gte: 'at least',
  lt: 'less than',
  lte: 'at most',
}

function listPhrase<E>(spec: EvaluableField<E>, operator: string, values: readonly WantedValue[]): string {
  const labels = values.map((value) => label(spec, value))
  const all = (separator: string) => enumerate(labels, labels.length, separator)
  const isOne = labels.length === 1
  switch (operator) {
    case 'neq':
      return isOne ? `anything but ${all('')}` : `none of ${all(', ')}`
    case 'deq':
      return isOne ? `a value other than ${all('')}` : `a value that is none of ${all(', ')}`
    case 'contains':
      return `text that contains ${all(' or ')}`
    case 'ncontains':
      return `no text that contains ${all(' or ')}`
    case 'startswith':
      return `text that starts with ${all(' or ')}`
    case 'doesnotstartwith':
      return `no text that starts with ${all(' or ')}`
    case 'endswith':
      return `text that ends with ${all(' or ')}`
    default:
      return isOne ? all('') : `one of ${all(', ')}`
  }
}

/** `a, b, c, d, e and 4 more`. */
function enumerate(labels: readonly string[], count: number, separator: string): string {
  const shown = labels.slice(0, SENTENCE_VALUES_MAX)
  const hidden = count - shown.length
  return hidden > 0 ? `${shown.join(separator)} and ${hidden} more` : shown.join(separator)
}

function label<E>(spec: EvaluableField<E>, value: WantedValue): string {
  if (value === null) return 'no value'
  if (typeof value === 'object') return entityText(value)
  const known = meaningOf(spec.values, value)
  const text = known === undefined ? '' : ` (${known})`
  if (typeof value === 'string') return `"${clip(value, SENTENCE_CHARS_MAX)}"${text}`
  return `${spec.type === 'time' && typeof value === 'number' ? timeText(value) : value}${text}`
}

function meaningOf(values: readonly KnownValue[], value: string | number | boolean): string | undefined {
  return values.find(([known]) => known === value)?.[1]
}

function entityText({ id, saas, instance }: WantedEntity): string {
  const parts = [
    saas === undefined ? '' : ` of app ${clip(saas, SENTENCE_CHARS_MAX)}`,
    instance === undefined ? '' : ` in instance ${clip(instance, SENTENCE_CHARS_MAX)}`,
  ]
  return `"${clip(id, SENTENCE_CHARS_MAX)}"${parts.join('')}`
}

/** ISO 8601 in UTC; the bare number where no calendar date exists (beyond ±8.64e15 ms). */
function timeText(ms: number): string {
  const date = new Date(ms)
  return Number.isNaN(date.getTime()) ? `${ms} ms` : date.toISOString()
}
