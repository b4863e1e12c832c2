/** A message of Defender XDR's streaming format, `{"records": [{"category": "AdvancedHunting-<Table>", "properties": {…}}, …]}`,
 *  split into its rows without parsing them: each keeps its bytes as received, since rows hold numbers that no parser of
 *  JavaScript keeps whole. The grammar of the whole message is checked on the way. */
import { itemsOf, membersOf, type Range } from './members.ts'
import { endScan, refuse, skipSpace, skipValue } from './scan.ts'

export interface HuntingRow {
  /** `CloudAppEvents`, `AlertInfo`, …; '' when the row does not say. */
  readonly table: string
  /** The row, `properties`, exactly as received, sharing memory with the message; undefined when there is no object of this name. */
  readonly bytes: Buffer | undefined
}

const prefix = 'AdvancedHunting-'

/**
 * @param message UTF-8 JSON, with or without a byte order mark.
 * @throws {RelayError} `RELAY_SOURCE_RESPONSE` for anything but one JSON object with one list `records` of objects.
 */
export function splitHuntingRows(message: Buffer): readonly HuntingRow[] {
  const body = message.subarray(0, 3).equals(byteOrderMark) ? message.subarray(3) : message
  try {
    const start = skipSpace(body, 0)
    if (start >= body.length || body[start] !== 0x7b) refuse(body, start, 'it is no object')
    const end = skipValue(body, start, 0)
    const rest = skipSpace(body, end)
    if (rest < body.length) refuse(body, rest, 'something follows the object')
    const records = membersOf(body, start).get('records')
    if (records === undefined || body[records.start] !== 0x5b) refuse(body, start, '`records` is missing or not a list')
    return itemsOf(body, records.start).map((item) => rowOf(body, item))
  } finally {
    endScan()
  }
}

const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf])

function rowOf(body: Buffer, { start }: Range): HuntingRow {
  if (body[start] !== 0x7b) refuse(body, start, 'a record is not an object')
  const members = membersOf(body, start)
  const category = textIn(body, members.get('category'))
  const properties = members.get('properties')
  const isObject = properties !== undefined && body[properties.start] === 0x7b
  return {
    table: category.startsWith(prefix) ? category.slice(prefix.length) : category,
    bytes: isObject ? body.subarray(properties.start, properties.end) : undefined,
  }
}

function textIn(body: Buffer, range: Range | undefined): string {
  if (range === undefined || body[range.start] !== 0x22) return ''
  return JSON.parse(body.toString('utf8', range.start, range.end)) as string
}
