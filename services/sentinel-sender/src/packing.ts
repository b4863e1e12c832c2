/** Rows become the body of a request: `[row,row,…]`, gzipped, as many as fit in the order they came. Exact to the byte: brackets,
 *  commas and UTF-8 count. `raw` keeps the rows themselves within the limit, so that taking the next one until it does not fit is the
 *  best there is; `wire` keeps the compressed body within it.
 *
 *  How `wire` knows when to stop: what was not flushed yet may take, at worst, a little more than its own length. Rows go in until
 *  that could break the limit, then the compressor is flushed and the real length is known; the rest of the budget shrinks by the
 *  ratio of compression at each step, until not even one more row is sure to fit. */
import { promisify } from 'node:util'
import { constants, createGzip, gzip } from 'node:zlib'
import type { Entry } from './entry.ts'

export interface Packed {
  readonly entries: readonly Entry[]
  /** gzip. */
  readonly body: Buffer
  /** Bytes of the body before compression. */
  readonly rawBytes: number
}

/** Where rows come from: the next one is looked at before it is taken. */
export interface RowSource {
  peek(): Entry | undefined
  take(): Entry | undefined
}

/** Level 1 costs half of the CPU time of level 6 for 15 % more bytes. */
const level = 1
const compress = promisify(gzip)

/** What compressed data may take beyond its own length: 5 bytes for each stored block of 16 KB, a flush, brackets, the trailer. */
const worstOf = (bytes: number): number => bytes + 5 * (Math.ceil(bytes / 16_384) + 2)
const trailerBytes = 32
/** More than this is not put into one request, however well it compresses; Azure refuses 50 MiB. */
const wireRawBytesMax = 16_777_216

/** @returns undefined without rows, or when the first one alone is too large for `bytesMax`. */
export async function packRaw(source: RowSource, bytesMax: number): Promise<Packed | undefined> {
  const entries: Entry[] = []
  let rawBytes = 1
  for (let next = source.peek(); next !== undefined; next = source.peek()) {
    // One byte for the comma or the bracket behind it.
    if (rawBytes + next.row.length + 1 > bytesMax) break
    rawBytes += next.row.length + 1
    entries.push(next)
    source.take()
  }
  return entries.length === 0 ? undefined : packAll(entries)
}

/** As `packRaw`, for a limit on the compressed body. */
export async function packWire(source: RowSource, bytesMax: number): Promise<Packed | undefined> {
  const stream = createGzip({ level })
  const chunks: Buffer[] = []
  let compressed = 0
  stream.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    compressed += chunk.length
  })
  const budget = bytesMax - trailerBytes
  const entries: Entry[] = []
  /** Not given to the compressor yet: it takes few large pieces faster than many small ones. */
  let parts: Buffer[] = [opening]
  const write = (): void => {
    stream.write(Buffer.concat(parts))
    parts = []
  }
  let rawBytes = 1
  /** Since the last flush. */
  let pending = 1
  for (let next = source.peek(); next !== undefined; next = source.peek()) {
    const length = next.row.length + 1
    if (rawBytes + length > wireRawBytesMax) break
    if (compressed + worstOf(pending + length) > budget) {
      write()
      await flushed(stream)
      pending = 0
      if (compressed + worstOf(length) > budget) break
    }
    if (entries.length > 0) parts.push(comma)
    parts.push(next.row)
    pending += length
    rawBytes += length
    entries.push(next)
    source.take()
  }
  const ended = new Promise<void>((resolve, reject) => stream.once('end', resolve).once('error', reject))
  parts.push(closing)
  write()
  stream.end()
  await ended
  return entries.length === 0 ? undefined : { entries, body: Buffer.concat(chunks), rawBytes }
}

/** These rows and no others. */
export async function packAll(entries: readonly Entry[]): Promise<Packed> {
  const parts = entries.flatMap(({ row }, index) => (index === 0 ? [row] : [comma, row]))
  const raw = Buffer.concat([opening, ...parts, closing])
  return { entries, body: await compress(raw, { level }), rawBytes: raw.length }
}

const opening = Buffer.from('[')
const comma = Buffer.from(',')
const closing = Buffer.from(']')

function flushed(stream: ReturnType<typeof createGzip>): Promise<void> {
  return new Promise((resolve) => stream.flush(constants.Z_SYNC_FLUSH, resolve))
}
