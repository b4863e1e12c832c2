/** What keeps a message of the log from being sent as a row. */
import type { BusRecord } from '@siem-relay/bus'
import { type EventKind, outHeaders, problemOfRow, RelayError, rawKindOf, rowSchemas } from '@siem-relay/common'

/** Which table a message belongs to; undefined when it does not say. */
export function kindOf({ headers }: Pick<BusRecord, 'headers'>): EventKind | undefined {
  const kind = headers[outHeaders.kind]
  return kind !== undefined && Object.hasOwn(rawKindOf, kind) ? (kind as EventKind) : undefined
}

/**
 * A row that says it was held to the columns known here was so by the formatter that made it; every other one is now.
 * @returns why the row can never be stored as it is, with record and column; undefined when it can.
 */
export function rowError(
  kind: EventKind,
  { key, headers }: Pick<BusRecord, 'key' | 'headers'>,
  row: Buffer,
  requestBytesMax: number,
): RelayError | undefined {
  if (row.length + 2 > requestBytesMax)
    return new RelayError(
      'RELAY_FRAME_TOO_LARGE',
      `the row has ${row.length} bytes; a request takes ${requestBytesMax - 2}`,
    )
  if (headers[outHeaders.rowSchema] === rowSchemas[kind]) return undefined
  const problem = problemOf(kind, row)
  return problem === undefined
    ? undefined
    : new RelayError('RELAY_SENTINEL_ROW', `record ${key.slice(0, 100)}: ${problem}`)
}

function problemOf(kind: EventKind, row: Buffer): string | undefined {
  try {
    return problemOfRow(kind, JSON.parse(row.toString('utf8')))
  } catch {
    return 'the row is not JSON'
  }
}
