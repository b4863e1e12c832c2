/** Checks a filter against the field table of its kind and reads it into clauses. Total: for any JSON it returns clauses
 *  and problems, and never walks deeper or longer than its bounds. */
import type { EventKind, RelayEvent } from '../events.ts'
import { type EvaluableField, type Field, type FieldTable, operatorsOf } from './fields.ts'
import { activityFields } from './fields-activity.ts'
import { alertFields } from './fields-alert.ts'
import { isOperator, type Operator, refusedOperators } from './operators.ts'
import { clip, type FilterProblem, ProblemList } from './problems.ts'
import { isObject } from './scalars.ts'
import { suggest } from './suggest.ts'
import { readWanted, type Wanted } from './wanted.ts'

/** Fields in one filter. */
const FIELDS_MAX = 50
/** Operators on one field; more than there are is a generated mistake. */
const OPERATORS_MAX = 25

/** One operator of one field. `field` is spelled as the filter spells it. */
export interface ParsedClause<E> {
  readonly field: string
  readonly spec: EvaluableField<E>
  readonly operator: Operator
  readonly wanted: Wanted
}

export interface ParsedFilter<E> {
  readonly clauses: readonly ParsedClause<E>[]
  readonly problems: readonly FilterProblem[]
}

const plural: Readonly<Record<EventKind, string>> = { alert: 'alerts', activity: 'activities' }
const tables: Readonly<Record<EventKind, ReadonlyMap<string, unknown>>> = {
  alert: alertFields,
  activity: activityFields,
}

/** Reads a filter. The clauses are usable only when there are no problems. */
export function parseFilter<E extends RelayEvent>(
  kind: EventKind,
  table: FieldTable<E>,
  definition: unknown,
): ParsedFilter<E> {
  const found = new ProblemList()
  const clauses: ParsedClause<E>[] = []
  const done = () => ({ clauses, problems: found.problems })
  if (!isObject(definition)) {
    found.add([], 'a filter is an object {"<field>": {"<operator>": value}}')
    return done()
  }
  const names = Object.keys(definition)
  if (names.length > FIELDS_MAX) {
    found.add([], `a filter has at most ${FIELDS_MAX} fields, not ${names.length}`)
    return done()
  }
  for (const name of names) {
    const field = table.get(name)
    if (field === undefined) found.add([name], unknownField(kind, table, name))
    else if (field.type === 'unavailable')
      found.add([name], `cannot be evaluated from the records the API returns: ${field.reason}`)
    else clauses.push(...readField(name, field, definition[name], found))
  }
  return done()
}

function readField<E>(
  name: string,
  spec: EvaluableField<E>,
  conditions: unknown,
  found: ProblemList,
): readonly ParsedClause<E>[] {
  const offered = operatorsOf(spec)
  const example = `{"${offered[0]}": …}`
  if (!isObject(conditions)) {
    found.add([name], `takes an object of operators, for example ${example}`)
    return []
  }
  const keys = Object.keys(conditions)
  if (keys.length === 0) found.add([name], `has no operator and would pass everything; remove it, or write ${example}`)
  if (keys.length > OPERATORS_MAX) {
    found.add([name], `has ${keys.length} operators; there are ${offered.join(', ')}`)
    return []
  }
  const clauses: ParsedClause<E>[] = []
  for (const key of keys) {
    const path = [name, key]
    if (!isOperator(key) || !offered.includes(key)) {
      found.add(path, strayOperator(spec, key, offered))
      continue
    }
    const wanted = readWanted(spec, key, conditions[key], path, found)
    if (wanted !== undefined) clauses.push({ field: name, spec, operator: key, wanted })
  }
  return clauses
}

function strayOperator(spec: Field<never>, key: string, offered: readonly Operator[]): string {
  const refused = refusedOperators.get(key)
  if (refused !== undefined) return refused
  const near = isOperator(key) ? undefined : suggest(key, offered)
  const hint = near === undefined ? '' : ` (did you mean ${near}?)`
  return `${spec.name} has no operator ${clip(key)}${hint}; it has ${offered.join(', ')}`
}

function unknownField(kind: EventKind, table: FieldTable<never>, name: string): string {
  const other: EventKind = kind === 'alert' ? 'activity' : 'alert'
  if (tables[other].has(name)) return `is a field of ${plural[other]}; ${plural[kind]} do not have it`
  const near = suggest(name, table.keys())
  if (near !== undefined) return `there is no field ${clip(name)}; did you mean ${near}?`
  return `there is no field ${clip(name)}; ${plural[kind]} have ${[...table.keys()].join(', ')}`
}
