/** A message of Defender XDR's streaming format, `{"records": [{"category": "AdvancedHunting-<Table>", "properties": {…}}, …]}`,
 *  split into its rows without parsing them: each keeps its bytes as received, since rows hold numbers that no parser of
 *  JavaScript keeps whole. The grammar of the whole message is checked on the way. */
import { endScan, refuse, skipColon, skipSpace, skipString, skipValue } from './scan.ts'

export interface HuntingRow {
  /** `CloudAppEvents`, `AlertInfo`, …; '' when the row does not say. */
  readonly table: string
  /** The row, `properties`, exactly as received, sharing memory with the message; undefined when there is no object of this name. */
  readonly bytes: Buffer | undefined
}

interface Range {
  readonly start: number
  readonly end: number
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

/** The members of the object at `at`, which is known to be well formed. Of repeated names the last one counts, as in JSON.parse. */
function membersOf(body: Buffer, at: number): ReadonlyMap<string, Range> {
  const members = new Map<string, Range>()
  let i = skipSpace(body, at + 1)
  while (body[i] === 0x22) {
    const behindName = skipString(body, i)
    const name = JSON.parse(body.toString('utf8', i, behindName)) as string
    const start = skipColon(body, behindName)
    const end = skipValue(body, start, 0)
    members.set(name, { start, end })
    i = skipSpace(body, end)
    if (body[i] !== 0x2c) break
    i = skipSpace(body, i + 1)
  }
  return members
}

/** The items of the list at `at`, which is known to be well formed. */
function itemsOf(body: Buffer, at: number): readonly Range[] {
  const items: Range[] = []
  let start = skipSpace(body, at + 1)
  while (body[start] !== 0x5d) {
    const end = skipValue(body, start, 0)
    items.push({ start, end })
    const next = skipSpace(body, end)
    if (body[next] !== 0x2c) break
    start = skipSpace(body, next + 1)
  }
  return items
}
