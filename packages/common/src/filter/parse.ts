/** Checks a filter against the field table of its kind and reads it into clauses. Total: for any JSON it returns clauses
 *  and problems, and never walks deeper or longer than its bounds. */
import type { EventKind, EventOf } from '../events.ts'
import { type EvaluableField, type Field, operatorsOf } from './fields.ts'
import { isOperator, type Operator, refusedOperators } from './operators.ts'
import { clip, type FilterProblem, ProblemList } from './problems.ts'
import { isObject } from './scalars.ts'
import { suggest } from './suggest.ts'
import { fieldTables } from './tables.ts'
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

const plural: Readonly<Record<EventKind, string>> = {
  alert: 'alerts',
  activity: 'activities',
  discovery: 'discovery records',
}
const kinds = Object.keys(plural) as readonly EventKind[]

/** Reads a filter. The clauses are usable only when there are no problems. */
export function parseFilter<K extends EventKind>(kind: K, definition: unknown): ParsedFilter<EventOf<K>> {
  const found = new ProblemList()
  const clauses: ParsedClause<EventOf<K>>[] = []
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
    const field = fieldTables[kind].get(name)
    if (field === undefined) found.add([name], unknownField(kind, name))
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

function unknownField(kind: EventKind, name: string): string {
  const other = kinds.find((one) => fieldTables[one].has(name))
  if (other !== undefined) return `is a field of ${plural[other]}; ${plural[kind]} do not have it`
  const known = [...fieldTables[kind].keys()]
  const near = suggest(name, known)
  if (near !== undefined) return `there is no field ${clip(name)}; did you mean ${near}?`
  return `there is no field ${clip(name)}; ${plural[kind]} have ${known.join(', ')}`
}
