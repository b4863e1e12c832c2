/** Reads the `filters` object of a request and answers, record by record, whether it passes: fields are ANDed, the values
 *  of one field ORed. Times are kept apart, because the listing finds them by binary search and without parsing.
 *  What the operators mean is in `operators.ts`. */

import type { ActivityRecord, AlertRecord, RecordKind } from '../data/records.ts'
import { activityFields } from './activity-fields.ts'
import { alertFields } from './alert-fields.ts'
import type { Field, Tenant } from './field.ts'
import { makeQuestion, type OperatorName, operatorNames, type Span, toSpans } from './operators.ts'
import { type Entry, parseEntry, type TimeKey } from './time-index.ts'

export type FilterObject = Readonly<Record<string, Readonly<Record<string, unknown>>>>

/** What is wrong with a request, in the service's own words. */
export interface FilterProblem {
  readonly error: string
  readonly errorMessageCode: 'CONSOLE_FORMS_NOT_VALID_VALUE'
  readonly errorMessageParams: { readonly value: unknown }
}

/** Every list of spans has to let the time pass. */
export type TimeClauses = readonly (readonly Span[])[]

export interface Filter {
  readonly times: Readonly<Record<TimeKey, TimeClauses>>
  /** The fields other than times; undefined when there are none, so that records need not be parsed. */
  readonly passes: ((entry: Entry) => boolean) | undefined
}

/** Alerts have no filter `created`. */
const timeFields: Readonly<
  Record<RecordKind, ReadonlyMap<string, { readonly key: TimeKey; readonly operators: readonly string[] }>>
> = {
  alerts: new Map([['date', { key: 'dateMs', operators: ['lte', 'gte', 'range', 'lte_ndays', 'gte_ndays'] }]]),
  activities: new Map([
    ['date', { key: 'dateMs', operators: ['lte', 'gte', 'range', 'lte_ndays', 'gte_ndays'] }],
    ['created', { key: 'createdMs', operators: ['lte', 'gte', 'range', 'gt', 'lt', 'eq'] }],
  ]),
}

const fieldsOf: {
  readonly alerts: ReadonlyMap<string, Field<AlertRecord>>
  readonly activities: ReadonlyMap<string, Field<ActivityRecord>>
} = { alerts: alertFields, activities: activityFields }

/** @returns the problem of `value` in the shape the service reports it. */
export function notValid(value: unknown): FilterProblem {
  const shown = typeof value === 'string' ? value : JSON.stringify(value)
  return {
    error: `${shown} is not valid`,
    errorMessageCode: 'CONSOLE_FORMS_NOT_VALID_VALUE',
    errorMessageParams: { value },
  }
}

/** @returns the filter, or all of its problems. */
export function readFilter(
  kind: RecordKind,
  filters: FilterObject,
  tenant: Tenant,
  nowMs: number,
): Filter | FilterProblem[] {
  const times: Record<TimeKey, (readonly Span[])[]> = { dateMs: [], createdMs: [] }
  const clauses: ((record: AlertRecord & ActivityRecord) => boolean)[] = []
  const problems: FilterProblem[] = []

  for (const [name, operators] of Object.entries(filters)) {
    const time = timeFields[kind].get(name)
    const field = fieldsOf[kind].get(name) as Field<AlertRecord & ActivityRecord> | undefined
    if ((time === undefined && field === undefined) || typeof operators !== 'object' || operators === null) {
      problems.push(notValid(name))
      continue
    }
    for (const [operator, value] of Object.entries(operators)) {
      if (time !== undefined) {
        const spans = time.operators.includes(operator) ? toSpans(operator, value, nowMs) : undefined
        if (spans === undefined) problems.push(notValid(time.operators.includes(operator) ? value : operator))
        else times[time.key].push(spans)
      } else if (field !== undefined) {
        const isKnown = isOperator(operator) && field.operators.includes(operator)
        const question = isKnown ? makeQuestion(operator, toKeys(value), nowMs) : undefined
        if (question === undefined) problems.push(notValid(isKnown ? value : operator))
        else clauses.push((record) => question(field.values(record, tenant)))
      }
    }
  }
  if (problems.length > 0) return problems
  return { times, passes: clauses.length === 0 ? undefined : (entry) => passesAll(entry, clauses) }
}

function passesAll(entry: Entry, clauses: readonly ((record: AlertRecord & ActivityRecord) => boolean)[]): boolean {
  const record = parseEntry<AlertRecord & ActivityRecord>(entry)
  return clauses.every((clause) => clause(record))
}

function isOperator(name: string): name is OperatorName {
  return (operatorNames as readonly string[]).includes(name)
}

/** `{"id","inst"}` objects, as the entity filters take, become the keys those fields have. */
function toKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toKeys)
  if (typeof value !== 'object' || value === null || !('id' in value)) return value
  const { id, inst } = value as { readonly id: unknown; readonly inst?: unknown }
  return inst === undefined ? id : `${String(id)}|${String(inst)}`
}

/** Whether a time passes every clause. */
export function isInside(clauses: TimeClauses, timeMs: number): boolean {
  return clauses.every((spans) => spans.some((span) => timeMs >= span.fromMs && timeMs <= span.toMs))
}
