/** One page of an API's list answer, `{"data": […], "hasNext": …}`, split into its records without parsing them: each keeps
 *  its bytes as received, and one pass finds the few values a collector needs. The whole grammar is checked on the way, so
 *  a page that was cut short or damaged anywhere is refused, never shorter. What a record means is the formatter's business. */
import { createHash } from 'node:crypto'
import { endScan, refuse, skipColon, skipSpace, skipString, skipValue } from './scan.ts'

export interface PageRecord {
  /** The record exactly as received, sharing memory with the page. */
  readonly bytes: Buffer
  /** `_id`; a number's text when it is one; `sha256:<hex>` of the bytes when there is none, or one of over 1,024 bytes. */
  readonly id: string
  /** `timestamp`, milliseconds since the epoch, when it is a number. */
  readonly timestampMs: number | undefined
  /** `created`, milliseconds since the epoch, when it is a number. */
  readonly createdMs: number | undefined
}

export interface Page {
  readonly records: readonly PageRecord[]
  readonly hasNext: boolean
  readonly total: number | undefined
  /** Filters of the next page in scan mode; absent when the answer has none. */
  readonly nextQueryFilters: unknown
  /** The API's own words when it answered `{"error": true, …}`. Such an answer has no records and is not a page. */
  readonly problem: string | undefined
}

/** Ids become keys of the log; longer ones are no ids. */
const idBytesMax = 1_024
const undescribed = 'error without a description'

/**
 * Splits a list answer.
 * @param body UTF-8 JSON without a byte order mark.
 * @throws {RelayError} `RELAY_SOURCE_RESPONSE` for anything but one JSON object with one `data` array of objects,
 *   and a boolean `hasNext`; or an error answer, which is returned as `problem`.
 */
export function splitPage(body: Buffer): Page {
  try {
    return split(body)
  } finally {
    endScan()
  }
}

function split(body: Buffer): Page {
  let i = skipSpace(body, 0)
  if (i >= body.length || body[i] !== 0x7b) refuse(body, i, describeStart(body, i))
  let records: PageRecord[] | undefined
  let dataStart = -1
  let dataEnd = -1
  i = skipSpace(body, i + 1)
  if (i < body.length && body[i] === 0x7d) i++
  else
    for (;;) {
      if (i >= body.length || body[i] !== 0x22) refuse(body, i, 'a key is missing')
      const keyStart = i
      i = skipString(body, i)
      const isData = isDataKey(body, keyStart, i)
      i = skipColon(body, i)
      if (isData) {
        if (dataStart >= 0) refuse(body, i, '`data` comes twice')
        dataStart = i
        if (i < body.length && body[i] === 0x5b) {
          records = []
          i = splitRecords(body, i, records)
        } else i = skipValue(body, i, 1)
        dataEnd = i
      } else i = skipValue(body, i, 1)
      i = skipSpace(body, i)
      if (i < body.length && body[i] === 0x7d) {
        i++
        break
      }
      if (i >= body.length || body[i] !== 0x2c) refuse(body, i, 'a comma or a closing bracket is missing')
      i = skipSpace(body, i + 1)
    }
  i = skipSpace(body, i)
  if (i < body.length) refuse(body, i, 'something follows the object')
  // What is left without the records is small; JSON.parse reads it as any client would.
  const rest =
    dataStart < 0 ? body.toString() : `${body.toString('utf8', 0, dataStart)}0${body.toString('utf8', dataEnd)}`
  return assemble(body, JSON.parse(rest) as Record<string, unknown>, records)
}

function assemble(body: Buffer, envelope: Record<string, unknown>, records: PageRecord[] | undefined): Page {
  const { hasNext, total, nextQueryFilters, error } = envelope
  if (error)
    return {
      records: [],
      hasNext: false,
      total: undefined,
      nextQueryFilters: undefined,
      problem: describeProblem(envelope),
    }
  if (records === undefined) refuse(body, body.length, '`data` is missing or not a list')
  if (typeof hasNext !== 'boolean') refuse(body, body.length, '`hasNext` is missing or neither true nor false')
  return {
    records,
    hasNext,
    total: typeof total === 'number' ? total : undefined,
    nextQueryFilters: nextQueryFilters ?? undefined,
    problem: undefined,
  }
}

/** Fills `records` from the array at `at`; returns the position behind it. */
function splitRecords(body: Buffer, at: number, records: PageRecord[]): number {
  let i = skipSpace(body, at + 1)
  if (i < body.length && body[i] === 0x5d) return i + 1
  for (;;) {
    if (i >= body.length || body[i] !== 0x7b) refuse(body, i, 'a record is not an object')
    i = skipSpace(body, splitRecord(body, i, records))
    if (i >= body.length) refuse(body, i, '`data` is not closed')
    const c = body[i]
    if (c === 0x5d) return i + 1
    if (c !== 0x2c) refuse(body, i, 'a comma or a closing bracket is missing')
    i = skipSpace(body, i + 1)
  }
}

/** Adds the object at `at` to `records`; returns the position behind it. Of repeated keys the last one counts, as in JSON.parse. */
function splitRecord(body: Buffer, at: number, records: PageRecord[]): number {
  let id: string | undefined
  let timestampMs: number | undefined
  let createdMs: number | undefined
  let i = skipSpace(body, at + 1)
  if (i < body.length && body[i] === 0x7d) {
    const bytes = body.subarray(at, i + 1)
    records.push({ bytes, id: substituteId(bytes), timestampMs, createdMs })
    return i + 1
  }
  for (;;) {
    if (i >= body.length || body[i] !== 0x22) refuse(body, i, 'a key is missing')
    const keyStart = i
    const keyEnd = skipString(body, i)
    const valueStart = skipColon(body, keyEnd)
    i = skipValue(body, valueStart, 3)
    // Nearly all of a record's keys are told apart by their length alone.
    const length = keyEnd - keyStart - 2
    if (length === 3) {
      if (isText(body, keyStart + 1, '_id')) id = readId(body, valueStart, i)
    } else if (length === 7) {
      if (isText(body, keyStart + 1, 'created')) createdMs = readTime(body, valueStart, i)
    } else if (length === 9) {
      if (isText(body, keyStart + 1, 'timestamp')) timestampMs = readTime(body, valueStart, i)
    } else if (length > 7 && hasEscape(body, keyStart, keyEnd)) {
      const key = JSON.parse(body.toString('utf8', keyStart, keyEnd)) as string
      if (key === '_id') id = readId(body, valueStart, i)
      else if (key === 'created') createdMs = readTime(body, valueStart, i)
      else if (key === 'timestamp') timestampMs = readTime(body, valueStart, i)
    }
    i = skipSpace(body, i)
    if (i >= body.length) refuse(body, i, 'a record is not closed')
    const c = body[i]
    i++
    if (c === 0x7d) break
    if (c !== 0x2c) refuse(body, i - 1, 'a comma or a closing bracket is missing')
    i = skipSpace(body, i)
  }
  const bytes = body.subarray(at, i)
  records.push({ bytes, id: id ?? substituteId(bytes), timestampMs, createdMs })
  return i
}

/** A record without a usable `_id` must not hold up those behind it: it goes on under its hash, and the formatter says what is wrong with it. */
function substituteId(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

/** Whether the bytes from `at` on are the ASCII text. */
function isText(body: Buffer, at: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (body[at + i] !== text.charCodeAt(i)) return false
  return true
}

/** Whether the string between the quotes says `data`, as is or with escapes: `"d\u0061ta"` is the same key. */
function isDataKey(body: Buffer, start: number, end: number): boolean {
  if (end - start === 6) return isText(body, start + 1, 'data')
  return hasEscape(body, start, end) && JSON.parse(body.toString('utf8', start, end)) === 'data'
}

function hasEscape(body: Buffer, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (body[i] === 0x5c) return true
  return false
}

function readId(body: Buffer, start: number, end: number): string | undefined {
  if (end - start > idBytesMax) return undefined
  const c = body[start] as number
  if (c === 0x22) {
    const id = hasEscape(body, start, end)
      ? (JSON.parse(body.toString('utf8', start, end)) as string)
      : body.toString('utf8', start + 1, end - 1)
    return id === '' ? undefined : id
  }
  return c === 0x2d || (c >= 0x30 && c <= 0x39) ? body.toString('latin1', start, end) : undefined
}

/** A number, in milliseconds; anything else is no time. */
function readTime(body: Buffer, start: number, end: number): number | undefined {
  const length = end - start
  if (length > 0 && length < 16) {
    let value = 0
    let i = start
    for (; i < end; i++) {
      const digit = (body[i] as number) - 0x30
      if (digit < 0 || digit > 9) break
      value = value * 10 + digit
    }
    if (i === end) return value
  }
  const c = body[start] as number
  if (c !== 0x2d && (c < 0x30 || c > 0x39)) return undefined
  const value = Number(body.toString('latin1', start, end))
  return Number.isFinite(value) ? value : undefined
}

function describeStart(body: Buffer, at: number): string {
  if (at >= body.length) return 'it is empty'
  if (body[at] === 0x3c) return 'it is HTML or XML'
  if (body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf) return 'it begins with a byte order mark'
  return 'it is no object'
}

/** The first complaint of `{"filters":[{"error":"<x> is not valid"}],"error":true}`, or what `error` and `message` say. */
function describeProblem(envelope: Record<string, unknown>): string {
  const { filters, error, message, detail } = envelope
  const first: unknown = Array.isArray(filters) ? filters[0] : undefined
  const nested = typeof first === 'object' && first !== null ? (first as Record<string, unknown>).error : undefined
  for (const text of [nested, message, detail, error])
    if (typeof text === 'string' && text !== '') return text.slice(0, 300)
  return undescribed
}
