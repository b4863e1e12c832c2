/** An event as a row of its Sentinel table, as one line of JSON. A text longer than Azure keeps is cut here, with a mark. */
import { shortenText } from '../cef/message.ts'
import type { RelayEvent } from '../events.ts'
import { type JsonLine, jsonLine } from '../json-line.ts'
import { problemOfRow, rowSchemas } from './check.ts'
import type { RowContext } from './columns.ts'
import { activityRow } from './row-activity.ts'
import { alertRow } from './row-alert.ts'
import { discoveryTableRow } from './row-discovery.ts'

/** Azure cuts a value behind this many bytes without a mark. Source: "Azure Monitor service limits", Custom logs. */
export const fieldBytesMax = 65_536

/** Ids, times and what queries compare: never shortened. */
const fixed: ReadonlySet<string> = new Set([
  'TimeGenerated',
  'EventTime',
  'StartTime',
  'EndTime',
  'RecordId',
  'ExtID',
  'SystemAlertId',
  'VendorOriginalId',
  'Entities',
  'ExtendedProperties',
])

export interface SentinelLine extends JsonLine {
  /** The columns the row was held to (`rowSchemas`); undefined when it does not fit them. */
  readonly rowSchema: string | undefined
}

/**
 * @param bytesMax most bytes the row may take.
 * @throws {RelayError} `RELAY_FRAME_TOO_LARGE` when it does not fit however short its texts are.
 */
export function sentinelLine(event: RelayEvent, context: RowContext, bytesMax: number): SentinelLine {
  const row: Record<string, unknown> = { ...rowOf(event, context) }
  let cut = 0
  for (const [name, value] of Object.entries(row)) {
    const fitted = fit(value)
    if (fitted === value) continue
    row[name] = fitted
    cut++
  }
  const { line, shortenedFields } = jsonLine(row, fixed, bytesMax)
  const rowSchema = problemOfRow(event.kind, row) === undefined ? rowSchemas[event.kind] : undefined
  return { line, shortenedFields: shortenedFields + cut, rowSchema }
}

/** The row of an event, column by column, before anything is cut. */
function rowOf(event: RelayEvent, context: RowContext) {
  switch (event.kind) {
    case 'alert':
      return alertRow(event, context)
    case 'activity':
      return activityRow(event, context)
    case 'discovery':
      return discoveryTableRow(event, context)
    default:
      return event satisfies never
  }
}

function fit(value: unknown): unknown {
  if (typeof value === 'string') return fitText(value)
  if (!Array.isArray(value)) return value
  let bytes = 2
  const kept = value.filter((item) => {
    bytes += Buffer.byteLength(JSON.stringify(item)) + 1
    return bytes <= fieldBytesMax
  })
  return kept.length === value.length ? value : kept
}

function fitText(text: string): string {
  if (text.length * 3 <= fieldBytesMax || Buffer.byteLength(text) <= fieldBytesMax) return text
  let end = Math.min(text.length, fieldBytesMax)
  while (Buffer.byteLength(text.slice(0, end)) > fieldBytesMax - 3) end = Math.floor(end * 0.95)
  return shortenText(text, end + 3 < text.length ? end + 3 : end)
}
