/** The bytes of a batch: many records of one partition in one row, as Kafka's segments hold them. Pure: records in, bytes out.
 *  Offsets, times and checksums belong to the row (batch-row.ts).
 *
 *      batch   = *record
 *      record  = headers text bytes               ; headers, key, value
 *      headers = %x00                             ; the same as the record before
 *              / %x01 count *(text text)          ; names and values
 *              / %x02 *(%x00 / length+1 *OCTET)   ; names as before; a value: as before, or its own
 *      text    = length *OCTET                    ; UTF-8
 *      bytes   = length *OCTET
 *      length, count = LEB128, unsigned
 */
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import type { BusRecord, Headers, NewRecord } from '../port.ts'

export const codecs = { plain: 0, zstd: 1 } as const
type Codec = (typeof codecs)[keyof typeof codecs]

/** Below this a frame header and a compressor's start cost more than the bytes they save. */
const compressBytesMin = 512
/** Fewer bytes to sync for about 1 µs a record (500 × 1.4 KB JSON: level 1 takes 3 µs and packs 8 times, this one 6.4 times).
 *  A small window keeps the compressor's start cheap, large chunks save joining small ones. */
const zstdOptions = {
  chunkSize: 128 * 1024,
  params: { [constants.ZSTD_c_compressionLevel]: -3, [constants.ZSTD_c_windowLog]: 17 },
}

/** The least chunk Node's zlib takes. */
const zstdChunkMin = 64

const sameHeaders = 0
const newHeaders = 1
const newValues = 2

export interface EncodedBatch {
  readonly codec: Codec
  /** Valid until the next call of `encodeBatch`. */
  readonly body: Uint8Array
  readonly rawBytes: number
}

let scratch = Buffer.allocUnsafeSlow(2 * 1024 * 1024)
/** A scratch grown by an unusually large record is given back after use. */
const scratchKeptBytes = scratch.length

/** An upper bound of a record's encoded size without its headers: three UTF-8 bytes a UTF-16 unit, and the lengths. */
export function recordBytesBound(record: NewRecord): number {
  return record.key.length * 3 + (record.value?.length ?? 0) + 12
}

/** Encodes `records[from]` up to, not including, `records[to]`. */
export function encodeBatch(records: readonly NewRecord[], from: number, to: number): EncodedBatch {
  let at = 0
  let names: readonly string[] = []
  let previous: Headers = {}
  for (let i = from; i < to; i++) {
    const record = records[i]
    if (record === undefined) break
    const headers = record.headers
    if (headers === previous) {
      at = reserve(at, 1 + recordBytesBound(record))
      scratch[at++] = sameHeaders
    } else {
      at = reserve(at, headersBytesBound(headers) + recordBytesBound(record))
      const kind = compare(headers, previous, names)
      scratch[at++] = kind
      if (kind === newHeaders) {
        names = Object.keys(headers)
        at = writeNamed(headers, names, at)
      } else if (kind === newValues) at = writeValues(headers, previous, names, at)
      previous = headers
    }
    at = writeText(record.key, at)
    const value = record.value ?? empty
    at = writeLength(value.length, at)
    scratch.set(value, at)
    at += value.length
  }
  const raw = scratch.subarray(0, at)
  if (scratch.length > scratchKeptBytes) scratch = Buffer.allocUnsafeSlow(scratchKeptBytes)
  if (at >= compressBytesMin) {
    const packed = zstdCompressSync(raw, zstdOptions)
    if (packed.length < at) return { codec: codecs.zstd, body: packed, rawBytes: at }
  }
  return { codec: codecs.plain, body: raw, rawBytes: at }
}

const empty = new Uint8Array(0)

/** Whether a record's headers repeat the ones before, wholly or in their names. */
function compare(headers: Headers, previous: Headers, names: readonly string[]): number {
  let index = 0
  let same = true
  for (const name in headers) {
    if (names[index++] !== name) return newHeaders
    if (headers[name] !== previous[name]) same = false
  }
  if (index !== names.length) return newHeaders
  return same ? sameHeaders : newValues
}

function headersBytesBound(headers: Headers): number {
  let bytes = 8
  for (const name in headers) bytes += (name.length + (headers[name]?.length ?? 0)) * 3 + 12
  return bytes
}

function writeNamed(headers: Headers, names: readonly string[], start: number): number {
  let at = writeLength(names.length, start)
  for (const name of names) at = writeText(headers[name] ?? '', writeText(name, at))
  return at
}

function writeValues(headers: Headers, previous: Headers, names: readonly string[], start: number): number {
  let at = start
  for (const name of names) {
    const value = headers[name] ?? ''
    if (value === previous[name]) {
      scratch[at++] = 0
      continue
    }
    const bytes = Buffer.byteLength(value)
    at = writeLength(bytes + 1, at)
    at += scratch.write(value, at, 'utf8')
  }
  return at
}

function reserve(at: number, bytes: number): number {
  if (at + bytes > scratch.length) {
    const larger = Buffer.allocUnsafeSlow(Math.max(scratch.length * 2, at + bytes))
    scratch.copy(larger, 0, 0, at)
    scratch = larger
  }
  return at
}

function writeText(text: string, at: number): number {
  // Keys are short: one length byte is guessed, and the text moved only when it turns out longer.
  if (text.length * 3 < 128) {
    const bytes = scratch.write(text, at + 1, 'utf8')
    scratch[at] = bytes
    return at + 1 + bytes
  }
  const start = writeLength(Buffer.byteLength(text), at)
  return start + scratch.write(text, start, 'utf8')
}

function writeLength(length: number, start: number): number {
  let at = start
  let rest = length
  while (rest >= 0x80) {
    scratch[at++] = (rest & 0x7f) | 0x80
    rest >>>= 7
  }
  scratch[at++] = rest
  return at
}

/** What a row knows of its batch. */
export interface BatchFrame {
  readonly topic: string
  readonly partition: number
  readonly base: number
  readonly count: number
  readonly appendedMs: number
  readonly codec: number
  readonly rawBytes: number
}

/**
 * Decodes a batch; values share the memory of its bytes, equal headers share one object.
 * @throws {Error} when the bytes are not exactly `count` records; callers check the checksum first, so this means a bug.
 */
export function decodeBatch(body: Uint8Array, frame: BatchFrame): BusRecord[] {
  const { topic, partition, base, count, appendedMs } = frame
  const bytes = unpack(body, frame)
  const reader = new BatchReader(bytes)
  const records = new Array<BusRecord>(count)
  for (let i = 0; i < count; i++) {
    const headers = reader.headers()
    const key = reader.text()
    const value = reader.bytes()
    records[i] = { topic, partition, offset: base + i, key, value, headers, appendedMs }
  }
  reader.end()
  return records
}

function unpack(body: Uint8Array, frame: BatchFrame): Buffer {
  if (frame.codec === codecs.zstd) {
    // One chunk of the known size: half the time of joining 16 KB chunks.
    const chunkSize = Math.max(frame.rawBytes, zstdChunkMin)
    const raw = zstdDecompressSync(body, { maxOutputLength: chunkSize, chunkSize })
    if (raw.length === frame.rawBytes) return raw
  } else if (frame.codec === codecs.plain && body.length === frame.rawBytes) {
    return Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  }
  throw new Error(`batch at ${frame.base} does not unpack to its ${frame.rawBytes} bytes`)
}

class BatchReader {
  readonly #buffer: Buffer
  #at = 0
  #names: string[] = []
  #values: string[] = []
  #headers: Headers = {}

  constructor(buffer: Buffer) {
    this.#buffer = buffer
  }

  headers(): Headers {
    const kind = this.#buffer[this.#at++]
    if (kind === sameHeaders) return this.#headers
    if (kind === newHeaders) {
      const count = this.#length()
      this.#names = []
      this.#values = []
      for (let i = 0; i < count; i++) {
        this.#names.push(this.text())
        this.#values.push(this.text())
      }
    } else if (kind === newValues) {
      for (let i = 0; i < this.#names.length; i++) {
        const length = this.#length()
        if (length > 0) this.#values[i] = this.#utf8(length - 1)
      }
    } else throw new Error(`unknown header form ${kind} at byte ${this.#at - 1}`)
    this.#headers = headersOf(this.#names, this.#values)
    return this.#headers
  }

  text(): string {
    return this.#utf8(this.#length())
  }

  bytes(): Buffer {
    const length = this.#length()
    const start = this.#advance(length)
    return this.#buffer.subarray(start, start + length)
  }

  end(): void {
    if (this.#at !== this.#buffer.length) throw new Error(`${this.#buffer.length - this.#at} bytes left after a batch`)
  }

  #utf8(length: number): string {
    const start = this.#advance(length)
    return this.#buffer.toString('utf8', start, start + length)
  }

  #advance(length: number): number {
    const start = this.#at
    this.#at = start + length
    if (this.#at > this.#buffer.length) throw new Error(`a batch ends within a field at byte ${start}`)
    return start
  }

  #length(): number {
    let shift = 0
    let length = 0
    for (;;) {
      const byte = this.#buffer[this.#at++]
      if (byte === undefined || shift > 28) throw new Error(`a batch has no length at byte ${this.#at - 1}`)
      length |= (byte & 0x7f) << shift
      if (byte < 0x80) return length >>> 0
      shift += 7
    }
  }
}

function headersOf(names: readonly string[], values: readonly string[]): Headers {
  const headers: Record<string, string> = {}
  for (let i = 0; i < names.length; i++) {
    const name = names[i] ?? ''
    // Assigning this name would set the prototype instead of a property.
    if (name === '__proto__') {
      Object.defineProperty(headers, name, {
        value: values[i] ?? '',
        enumerable: true,
        writable: true,
        configurable: true,
      })
    } else headers[name] = values[i] ?? ''
  }
  return headers
}
