/** Tables, streams and data flows as Azure Monitor wants them, from the one declared schema. */

import { type SentinelTable, type SentinelType, sentinelTables } from '../../packages/common/src/sentinel/schema.ts'
import { sentinelSchema } from '../../packages/common/src/sentinel/settings.ts'

/** Types of columns of a table: the same, but for one letter. */
const columnTypes: Readonly<Record<SentinelType, string>> = {
  string: 'string',
  int: 'int',
  long: 'long',
  real: 'real',
  boolean: 'boolean',
  datetime: 'dateTime',
  dynamic: 'dynamic',
}

/** Streams as agents name them unless told otherwise. */
const streams = sentinelSchema.shape.streams.parse({})

interface Flow {
  readonly stream: string
  readonly table: SentinelTable
  readonly outputStream: string
}

export const flows: readonly Flow[] = [
  flow(streams.alerts, sentinelTables.alert),
  flow(streams.activities, sentinelTables.activity),
  flow(streams.discovery, sentinelTables.discovery),
]

function flow(stream: string, table: SentinelTable): Flow {
  return { stream, table, outputStream: `${table.isOwn ? 'Custom' : 'Microsoft'}-${table.table}` }
}

export function streamDeclarations(): object {
  return Object.fromEntries(
    flows.map(({ stream, table }) => [
      stream,
      { columns: Object.entries(table.columns).map(([name, { type }]) => ({ name, type })) },
    ]),
  )
}

/** A stream has its table's columns, so the transformation leaves rows as they are. */
export function dataFlows(destination: string): readonly object[] {
  return flows.map(({ stream, outputStream }) => ({
    streams: [stream],
    destinations: [destination],
    transformKql: 'source',
    outputStream,
  }))
}

export function ownTables(): readonly SentinelTable[] {
  return Object.values(sentinelTables).filter(({ isOwn }) => isOwn)
}

export function tableSchema({ table, columns }: SentinelTable): object {
  return {
    name: table,
    columns: Object.entries(columns).map(([name, { type, description }]) => ({
      name,
      type: columnTypes[type],
      description,
    })),
  }
}
