/** Filters as rows of a form, and back: field, operator, values. Pure. The language itself is the relay's (packages/common); this knows
 *  only what kind of value an operator takes, so that the form can ask for it. */
import type { FilterField } from '../../src/contract/records.ts'
import type { Filter } from '../agent-form/draft.ts'

/** `list` takes several values, `presence` yes or no, `ranges` a start and an end, the others one value. */
export type OperandShape = 'list' | 'presence' | 'ranges' | 'bound' | 'days' | 'phrase'

const shapes: Readonly<Record<string, OperandShape>> = {
  range: 'ranges',
  gt: 'bound',
  gte: 'bound',
  lt: 'bound',
  lte: 'bound',
  gte_ndays: 'days',
  lte_ndays: 'days',
  isset: 'presence',
  isnotset: 'presence',
  text: 'phrase',
  startswithsingle: 'phrase',
}

export function shapeOf(operator: string): OperandShape {
  return shapes[operator] ?? 'list'
}

const operatorWords: Readonly<Record<string, string>> = {
  eq: 'equals',
  neq: 'does not equal',
  deq: 'has one other than',
  contains: 'contains',
  ncontains: 'does not contain',
  startswith: 'starts with',
  doesnotstartwith: 'does not start with',
  endswith: 'ends with',
  startswithsingle: 'starts with',
  text: 'has the words',
  range: 'is between',
  gt: 'is above',
  gte: 'is at least',
  lt: 'is below',
  lte: 'is at most',
  gte_ndays: 'is in the last days',
  lte_ndays: 'is days ago or earlier',
  isset: 'is set',
  isnotset: 'is not set',
}

export function operatorText(operator: string, field: FilterField | undefined): string {
  const word = operatorWords[operator] ?? operator
  return field?.type === 'time' && shapeOf(operator) === 'bound'
    ? word.replace('above', 'after').replace('below', 'before')
    : word
}

export interface Clause {
  readonly field: string
  readonly operator: string
  readonly value: unknown
}

export function clausesOf(filter: Filter): readonly Clause[] {
  return Object.entries(filter).flatMap(([field, operators]) =>
    Object.entries(operators).map(([operator, value]) => ({ field, operator, value })),
  )
}

/** Of two clauses with the same field and operator the later one stays: a filter cannot hold both. */
export function filterOf(clauses: readonly Clause[]): Filter {
  const filter: Record<string, Record<string, unknown>> = {}
  // A field may be named like something every object has, such as toString.
  for (const { field, operator, value } of clauses)
    if (field !== '') filter[field] = { ...(Object.hasOwn(filter, field) ? filter[field] : {}), [operator]: value }
  return filter
}

/** What a new clause starts with. */
export function emptyValue(operator: string, nowMs: number): unknown {
  switch (shapeOf(operator)) {
    case 'list':
      return []
    case 'presence':
      return true
    case 'ranges':
      return [{ start: nowMs - 86_400_000, end: nowMs }]
    case 'bound':
      return undefined
    case 'days':
      return 7
    case 'phrase':
      return ''
  }
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : value === undefined ? [] : [value]
}

/** A value that was typed, as the field takes it. What cannot be read stays text, and the relay says what is wrong with it. */
export function readValue(text: string, field: FilterField | undefined): unknown {
  const trimmed = text.trim()
  if (trimmed === 'null') return null
  if (field?.type === 'number' && trimmed !== '' && Number.isFinite(Number(trimmed))) return Number(trimmed)
  if (field?.type === 'flag' && (trimmed === 'true' || trimmed === 'false')) return trimmed === 'true'
  if (field?.type === 'entity' && trimmed.startsWith('{')) {
    try {
      return JSON.parse(trimmed)
    } catch {
      return trimmed
    }
  }
  return trimmed
}

export function valueText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** A value with its meaning, where the field knows one: `high (2)`. */
export function meaningOf(value: unknown, field: FilterField | undefined): string {
  const known = field?.values.find((one) => one.value === value)
  return known === undefined ? valueText(value) : `${known.meaning} (${valueText(value)})`
}

/** @returns the field by its name or one of its other spellings. */
export function fieldOf(name: string, fields: readonly FilterField[]): FilterField | undefined {
  return fields.find(({ field, aliases }) => field === name || aliases.includes(name))
}

export type ParsedFilter =
  | { readonly filter: Filter; readonly error?: undefined }
  | { readonly filter?: undefined; readonly error: string }

/** @returns what is wrong with text that is no filter: its shape alone, the relay judges the rest. */
export function parseFilter(text: string): ParsedFilter {
  if (text.trim() === '') return { filter: {} }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    return { error: `This is not JSON: ${error instanceof Error ? error.message : String(error)}` }
  }
  if (!isObject(value)) return { error: 'A filter is an object, such as {"severity": {"eq": [2]}}.' }
  for (const [field, operators] of Object.entries(value))
    if (!isObject(operators)) return { error: `${field} needs an operator, such as {"${field}": {"eq": [2]}}.` }
  return { filter: value as Filter }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
