/** Holds a row to its table before it is sent: Azure answers 204 to a row that is no object, drops columns it does not know, and
 *  stores null for a value of another type, all without a word. */
import { createHash } from 'node:crypto'
import type { EventKind } from '../events.ts'
import { type SentinelTable, type SentinelType, sentinelTables } from './schema.ts'

const int32Max = 2 ** 31

const isOfType: Readonly<Record<SentinelType, (value: unknown) => boolean>> = {
  string: (value) => typeof value === 'string',
  int: (value) => Number.isInteger(value) && Math.abs(value as number) < int32Max,
  long: (value) => Number.isSafeInteger(value),
  real: (value) => typeof value === 'number' && Number.isFinite(value),
  boolean: (value) => typeof value === 'boolean',
  datetime: (value) => typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,7})?Z$/.test(value),
  dynamic: () => true,
}

/** Every row is looked at, column by column: a map is twice as fast as the table itself. */
const columnsOf: Readonly<Record<EventKind, ReadonlyMap<string, SentinelType>>> = {
  alert: typesOf(sentinelTables.alert),
  activity: typesOf(sentinelTables.activity),
  discovery: typesOf(sentinelTables.discovery),
}

function typesOf({ columns }: SentinelTable): ReadonlyMap<string, SentinelType> {
  return new Map(Object.entries(columns).map(([name, { type }]) => [name, type]))
}

/** By what a row says to which columns it was held. A table that changes has another one: rows from before are looked at again. */
export const rowSchemas: Readonly<Record<EventKind, string>> = {
  alert: digestOf(sentinelTables.alert),
  activity: digestOf(sentinelTables.activity),
  discovery: digestOf(sentinelTables.discovery),
}

function digestOf(table: SentinelTable): string {
  const columns = [...typesOf(table)].toSorted(([one], [other]) => (one < other ? -1 : 1))
  return createHash('sha256')
    .update(JSON.stringify([table.table, table.idColumn, columns]))
    .digest('hex')
    .slice(0, 12)
}

/**
 * What Azure would drop or null of a row, column by column; undefined when it would be stored as it is.
 * @param row as JSON.parse gave it, or as it will be written: what is undefined is left out.
 */
export function problemOfRow(kind: EventKind, row: unknown): string | undefined {
  if (typeof row !== 'object' || row === null || Array.isArray(row))
    return 'the row is not an object: Azure would accept and lose it'
  const { table, idColumn }: SentinelTable = sentinelTables[kind]
  const columns = columnsOf[kind]
  const problems: string[] = []
  for (const name of Object.keys(row)) {
    const value = (row as Readonly<Record<string, unknown>>)[name]
    if (value === undefined) continue
    const type = columns.get(name)
    if (type === undefined) problems.push(`column ${shown(name)} is not in ${table}: Azure would drop it`)
    else if (value !== null && !isOfType[type](value))
      problems.push(`column ${name} of ${table} is a ${type}, not ${shown(value)}: Azure would store null`)
    if (problems.length === 3) break
  }
  for (const needed of ['TimeGenerated', idColumn])
    if ((row as Readonly<Record<string, unknown>>)[needed] === undefined)
      problems.push(`column ${needed} of ${table} is missing`)
  return problems.length === 0 ? undefined : problems.join('; ')
}

/** At most 40 characters of it, as JSON. */
function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? typeof value
  return text.length <= 40 ? text : `${text.slice(0, 40)}…`
}
