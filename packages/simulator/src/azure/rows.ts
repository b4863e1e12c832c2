/** What Azure keeps of a row, and what it silently does not: columns the stream does not declare go, values of another type
 *  become null, long values are cut, times out of reach are replaced. Pure.
 *  Which conversions between types the service makes is not documented; none are made here, so that a sender has to be right. */

import { type ColumnType, columnName, type Stream } from './rules.ts'

export type JsonObject = Readonly<Record<string, unknown>>

/** What a row lost on its way into the table. */
export interface RowLosses {
  readonly droppedColumns: readonly string[]
  readonly nulledColumns: readonly string[]
  readonly truncatedColumns: readonly string[]
  /** TimeGenerated was there and became the time of receipt. */
  readonly isTimeClamped: boolean
}

export interface RowOutcome extends RowLosses {
  readonly row: JsonObject
}

/** Azure Monitor: "maximum size of field values", 64 KB. */
const fieldBytesMax = 65_536
const utf8BytesPerUnitMax = 3
const dayMs = 86_400_000
/** TimeGenerated is kept from two days before receipt to one day after it. */
const timeReachMs = { past: 2 * dayMs, future: dayMs }

const none: readonly string[] = []

export function keepRow(row: JsonObject, stream: Stream, receivedMs: number): RowOutcome {
  const kept: Record<string, unknown> = {}
  let droppedColumns: string[] | undefined
  let nulledColumns: string[] | undefined
  let truncatedColumns: string[] | undefined
  for (const name of Object.keys(row)) {
    const type = typeOf(name, stream)
    if (type === undefined) {
      droppedColumns = append(droppedColumns, name)
      continue
    }
    const value = row[name] ?? null
    if (!isOfType(value, type)) {
      nulledColumns = append(nulledColumns, name)
      kept[name] = null
      continue
    }
    const cut = truncate(value)
    if (cut !== value) truncatedColumns = append(truncatedColumns, name)
    kept[name] = cut
  }
  const sentMs = typeof kept.TimeGenerated === 'string' ? Date.parse(kept.TimeGenerated) : Number.NaN
  const isInReach = sentMs >= receivedMs - timeReachMs.past && sentMs <= receivedMs + timeReachMs.future
  if (!isInReach) kept.TimeGenerated = new Date(receivedMs).toISOString()
  return {
    row: kept,
    droppedColumns: droppedColumns ?? none,
    nulledColumns: nulledColumns ?? none,
    truncatedColumns: truncatedColumns ?? none,
    isTimeClamped: !isInReach && !Number.isNaN(sentMs),
  }
}

function typeOf(name: string, { columns }: Stream): ColumnType | undefined {
  if (columns !== 'any') return columns.get(name)
  return columnName.test(name) ? 'dynamic' : undefined
}

function append(list: string[] | undefined, name: string): string[] {
  if (list === undefined) return [name]
  list.push(name)
  return list
}

function isOfType(value: unknown, type: ColumnType): boolean {
  if (value === null) return true
  switch (type) {
    case 'string':
      return typeof value === 'string'
    case 'int':
      return Number.isInteger(value) && (value as number) >= -2_147_483_648 && (value as number) <= 2_147_483_647
    case 'long':
      // Beyond 2^53 the parser here has rounded already; all that fits into 64 bits is taken.
      return Number.isInteger(value) && Math.abs(value as number) <= 2 ** 63
    case 'real':
      return typeof value === 'number'
    case 'boolean':
      return typeof value === 'boolean'
    case 'datetime':
      return typeof value === 'string' && isoTime.test(value) && !Number.isNaN(Date.parse(value))
    case 'guid':
      return typeof value === 'string' && guid.test(value)
    case 'dynamic':
      return true
    default:
      return type satisfies never
  }
}

/** ISO 8601 as Kusto reads it: a date, or a date and a time with up to seven fractional digits and an offset. */
const isoTime = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,7})?)?(?:Z|[+-]\d\d:\d\d)?)?$/
const guid = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i

/** @returns the value itself when it is short enough. A dynamic value that is cut is no JSON any more, but text. */
function truncate(value: unknown): unknown {
  if (typeof value === 'string') return cutText(value)
  if (typeof value !== 'object' || value === null) return value
  const text = JSON.stringify(value)
  const cut = cutText(text)
  return cut === text ? value : cut
}

/** At most 64 KB of UTF-8, cut between characters. */
function cutText(text: string): string {
  if (text.length * utf8BytesPerUnitMax <= fieldBytesMax || Buffer.byteLength(text) <= fieldBytesMax) return text
  const bytes = Buffer.from(text)
  let end = fieldBytesMax
  // 10xxxxxx continues a character.
  while (((bytes[end] ?? 0) & 0b1100_0000) === 0b1000_0000) end -= 1
  return bytes.toString('utf8', 0, end)
}
