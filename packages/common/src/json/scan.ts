/** The JSON grammar (RFC 8259) as a checker over bytes: says where a value ends, builds nothing, so that a page of thousands
 *  of records costs a fraction of JSON.parse. Accepts what `JSON.parse(bytes.toString())` accepts, down to `depthMax`.
 *  Which values matter is the caller's business (page.ts). */
import { RelayError } from '../errors.ts'

/** Arrays and objects inside each other beyond this are a nesting bomb, not a page. */
const depthMax = 200

const quote = 0x22
const backslash = 0x5c
const isObject = 1
const isArray = 0
/** Container kinds around the current value. Shared: scanning is synchronous and never re-entered. */
const stack = new Uint8Array(depthMax + 2)

/** Bytes that may follow a backslash: `"` `\` `/` b f n r t, and u with four hex digits. */
const escapes = new Uint8Array(256)
for (const c of Buffer.from('"\\/bfnrt')) escapes[c] = 1
const hex = new Uint8Array(256)
for (const c of Buffer.from('0123456789abcdefABCDEF')) hex[c] = 1

/** @throws {RelayError} `RELAY_SOURCE_RESPONSE`, always: names the place, never the content. */
export function refuse(body: Buffer, at: number, why: string): never {
  const where = at >= body.length ? `it ends after ${body.length} bytes` : `at byte ${at} of ${body.length}`
  throw new RelayError('RELAY_SOURCE_RESPONSE', `the answer is not the expected JSON: ${why} (${where})`)
}

/** The next position that is not white space (space, tab, LF, CR), or the end. */
export function skipSpace(body: Buffer, from: number): number {
  const end = body.length
  let i = from
  while (i < end) {
    const c = body[i] as number
    if (c > 0x20 || (c !== 0x20 && c !== 0x0a && c !== 0x0d && c !== 0x09)) return i
    i++
  }
  return end
}

/** @param at position of the opening quote. @returns the position behind the closing one. */
export function skipString(body: Buffer, at: number): number {
  const end = body.length
  if (viewed !== body) view(body)
  const words = viewedWords
  const shift = viewedShift
  let i = at + 1
  while (i < end) {
    const c = body[i] as number
    if (c === quote) return i + 1
    if (c === backslash) {
      i = skipEscape(body, i)
      continue
    }
    // Bytes of UTF-8 sequences are taken as they are: a decoder replaces broken ones, and none of them hides a quote.
    if (c < 0x20) refuse(body, i, 'a control character inside a string')
    i++
    if (((i + shift) & 3) !== 0) continue
    let k = (i + shift) >> 2
    while (k < words.length && isPlain(words[k] as number)) k++
    i = (k << 2) - shift
  }
  return refuse(body, end, 'a string is not closed')
}

/** Whether none of four bytes ends or breaks a string: no `"`, no backslash, none below 0x20 (bit tricks: "haszero", "hasless"). */
function isPlain(word: number): boolean {
  const quotes = word ^ 0x22222222
  const backslashes = word ^ 0x5c5c5c5c
  return (
    ((((quotes - 0x01010101) & ~quotes) | ((backslashes - 0x01010101) & ~backslashes) | ((word - 0x20202020) & ~word)) &
      0x80808080) ===
    0
  )
}

let viewed: Buffer | undefined
let viewedWords: Int32Array = new Int32Array(0)
let viewedShift = 0

/** Looks at the body's memory four bytes at a time, from the aligned address at or before its first byte; a last partial word is left out. */
function view(body: Buffer): void {
  viewed = body
  viewedShift = body.byteOffset & 3
  viewedWords = new Int32Array(body.buffer, body.byteOffset - viewedShift, (body.length + viewedShift) >> 2)
}

/** Lets go of the last body's memory. */
export function endScan(): void {
  viewed = undefined
  viewedWords = new Int32Array(0)
}

function skipEscape(body: Buffer, at: number): number {
  if (at + 1 >= body.length) refuse(body, body.length, 'a string is not closed')
  const c = body[at + 1] as number
  if (escapes[c] === 1) return at + 2
  if (c !== 0x75) refuse(body, at, 'an unknown escape in a string')
  for (let i = at + 2; i < at + 6; i++) {
    if (i >= body.length) refuse(body, i, 'a string is not closed')
    if (hex[body[i] as number] !== 1) refuse(body, at, 'a \\u escape without four hex digits')
  }
  return at + 6
}

/** `-? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?` */
function skipNumber(body: Buffer, at: number): number {
  let i = at
  if (body[i] === 0x2d) i++
  if (body[i] === 0x30) i++
  else i = skipDigits(body, i)
  if (i < body.length && body[i] === 0x2e) i = skipDigits(body, i + 1)
  if (i < body.length && ((body[i] as number) | 0x20) === 0x65) {
    i++
    if (i < body.length && (body[i] === 0x2b || body[i] === 0x2d)) i++
    i = skipDigits(body, i)
  }
  return i
}

function skipDigits(body: Buffer, at: number): number {
  const end = body.length
  let i = at
  while (i < end) {
    const c = body[i] as number
    if (c < 0x30 || c > 0x39) break
    i++
  }
  if (i === at) refuse(body, at, 'a value is missing or misspelt')
  return i
}

function skipLiteral(body: Buffer, at: number, literal: string): number {
  for (let i = 1; i < literal.length; i++)
    if (at + i >= body.length || body[at + i] !== literal.charCodeAt(i))
      refuse(body, at + i, 'a value is missing or misspelt')
  return at + literal.length
}

/** @param at position of a key's opening quote. @returns the position of its value. */
function skipKey(body: Buffer, at: number): number {
  if (at >= body.length || body[at] !== quote) refuse(body, at, 'a key is missing')
  return skipColon(body, skipString(body, at))
}

/** @param at position behind a key. @returns the position of its value. */
export function skipColon(body: Buffer, at: number): number {
  const i = skipSpace(body, at)
  if (i >= body.length || body[i] !== 0x3a) refuse(body, i, 'a colon is missing')
  return skipSpace(body, i + 1)
}

/**
 * @param at position of the value's first byte.
 * @param around how many containers the value is in already.
 * @returns the position behind the value.
 * @throws {RelayError} `RELAY_SOURCE_RESPONSE` when the bytes are no JSON value or nest deeper than `depthMax`.
 */
export function skipValue(body: Buffer, at: number, around: number): number {
  const end = body.length
  let i = at
  let depth = 0
  for (;;) {
    if (i >= end) refuse(body, end, 'a value is missing')
    const c = body[i] as number
    if (c === quote) i = skipString(body, i)
    else if (c === 0x7b || c === 0x5b) {
      if (around + ++depth > depthMax) refuse(body, i, `nested deeper than ${depthMax}`)
      stack[depth] = c === 0x7b ? isObject : isArray
      i = skipSpace(body, i + 1)
      if (i < end && body[i] === c + 2)
        i++ // `]` and `}` stand two behind their openers
      else {
        if (c === 0x7b) i = skipKey(body, i)
        continue
      }
      depth--
    } else if (c === 0x74) i = skipLiteral(body, i, 'true')
    else if (c === 0x66) i = skipLiteral(body, i, 'false')
    else if (c === 0x6e) i = skipLiteral(body, i, 'null')
    else i = skipNumber(body, i)
    // A value has ended: close containers until one goes on.
    for (;;) {
      if (depth === 0) return i
      i = skipSpace(body, i)
      if (i >= end) refuse(body, end, 'an array or object is not closed')
      const next = body[i] as number
      const inObject = stack[depth] === isObject
      if (next === 0x2c) {
        i = skipSpace(body, i + 1)
        if (inObject) i = skipKey(body, i)
        break
      }
      if (next !== (inObject ? 0x7d : 0x5d)) refuse(body, i, 'a comma or a closing bracket is missing')
      i++
      depth--
    }
  }
}
