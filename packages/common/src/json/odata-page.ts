/** One page of an OData list, `{"value": […], "@odata.nextLink": "…"}` (OData JSON Format 4.01 §12), split into its records: each
 *  keeps its bytes as received beside what they say. The whole grammar is checked on the way, so a page that was cut short or
 *  damaged anywhere is refused, never shorter. */
import { createHash } from 'node:crypto'
import { itemsOf, membersOf, type Range } from './members.ts'
import { endScan, refuse, skipSpace, skipValue } from './scan.ts'

export interface ODataRecord {
  /** The record exactly as received, sharing memory with the page. */
  readonly bytes: Buffer
  readonly fields: Readonly<Record<string, unknown>>
  /** `id`; `sha256:<hex>` of the bytes when there is none, or one of over 1,024 characters. */
  readonly id: string
}

export interface ODataPage {
  readonly records: readonly ODataRecord[]
  /** Where the next page is, as the service says; undefined on the last one. */
  readonly nextLink: string | undefined
}

/** Ids become keys of the log; longer ones are no ids. */
const idCharactersMax = 1_024

/**
 * @param body UTF-8 JSON.
 * @throws {RelayError} `RELAY_SOURCE_RESPONSE` for anything but one JSON object with one `value` array of objects, and a text for
 *   `@odata.nextLink` if it has one.
 */
export function splitODataPage(body: Buffer): ODataPage {
  try {
    return split(body)
  } finally {
    endScan()
  }
}

function split(body: Buffer): ODataPage {
  const start = skipSpace(body, 0)
  if (body[start] !== 0x7b) refuse(body, start, start >= body.length ? 'it is empty' : 'it is no object')
  const rest = skipSpace(body, skipValue(body, start, 0))
  if (rest < body.length) refuse(body, rest, 'something follows the object')
  const members = membersOf(body, start)
  const value = members.get('value')
  if (value === undefined || body[value.start] !== 0x5b) refuse(body, start, '`value` is missing or not a list')
  return {
    records: itemsOf(body, value.start).map((item) => recordOf(body, item)),
    nextLink: linkOf(body, members.get('@odata.nextLink')),
  }
}

function linkOf(body: Buffer, range: Range | undefined): string | undefined {
  if (range === undefined) return undefined
  const link = JSON.parse(body.toString('utf8', range.start, range.end)) as unknown
  if (typeof link !== 'string' && link !== null) refuse(body, range.start, '`@odata.nextLink` is no text')
  return link === '' ? undefined : (link ?? undefined)
}

function recordOf(body: Buffer, { start, end }: Range): ODataRecord {
  if (body[start] !== 0x7b) refuse(body, start, 'a record is not an object')
  const bytes = body.subarray(start, end)
  const fields = JSON.parse(bytes.toString()) as Readonly<Record<string, unknown>>
  return { bytes, fields, id: idOf(fields.id, bytes) }
}

/** A record without a usable id must not hold up those behind it: the formatter says what is wrong with it. */
function idOf(id: unknown, bytes: Buffer): string {
  if (typeof id === 'string' && id !== '' && id.length <= idCharactersMax) return id
  if (typeof id === 'number') return String(id)
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}
