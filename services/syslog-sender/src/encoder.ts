/** Records to framed bytes: header and value of each message behind one another in one buffer. The hot path of the sender:
 *  one allocation per segment, values copied once, content checked once per segment. Sockets are not its business. */
import type { BusRecord } from '@siem-relay/bus'
import {
  type Framing,
  framingBytesMax,
  type HeaderEncoder,
  outHeaders,
  RelayError,
  writeMessageLength,
} from '@siem-relay/common'
import type { Feed, Segment } from './segment.ts'

export interface EncoderSettings {
  /** `none`: one message per datagram, or framed by the transport. */
  readonly framing: Framing | 'none'
  readonly header: HeaderEncoder
  /** The longest header in bytes; sizes the buffer. */
  readonly headerBytesMax: number
  /** Longest message (header and value, without framing) in bytes. */
  readonly messageBytesMax: number
}

/** How much one segment may hold. */
export interface SegmentLimits {
  readonly bytesMax: number
  readonly messagesMax: number
}

export interface Encoded {
  /** Undefined when the first record was refused. */
  readonly segment: Segment | undefined
  /** Index of the record to go on with. */
  readonly next: number
  /** The record before `next` cannot be sent. */
  readonly refused?: { readonly record: BusRecord; readonly error: RelayError }
}

const lineFeed = 10
const carriageReturn = 13
const nul = 0
const brace = 123
/** `CEF:` */
const prefix = [67, 69, 70, 58] as const

/**
 * Encodes records from `from` on until the limits are reached or one cannot be sent.
 * Always takes at least one record, however small the limits are.
 */
export function encodeSegment(
  settings: EncoderSettings,
  feed: Feed,
  batch: readonly BusRecord[],
  from: number,
  limits: SegmentLimits,
): Encoded {
  const { framing, header, messageBytesMax } = settings
  const overhead = overheadBytes(settings)
  const planned = planSegment(batch, from, overhead, limits)
  const bytes = Buffer.allocUnsafeSlow(planned.bytes)
  const ends = new Uint32Array(planned.end - from)
  const eventTimesMs = new Float64Array(planned.end - from)
  let at = 0
  let index = from
  let refused: Encoded['refused']
  for (; index < planned.end; index++) {
    const record = batch[index] as BusRecord
    const { value, headers } = record
    const eventTimeMs = Number(headers[outHeaders.eventTimeMs] || Number.NaN)
    const text = header(eventTimeMs, Number(headers[outHeaders.severity] ?? 0))
    const messageBytes = text.length + value.length
    if (!isMessage(record) || messageBytes > messageBytesMax) {
      refused = { record, error: whyRefused(record, messageBytes, messageBytesMax) }
      break
    }
    if (framing === 'octet-counting') at = writeMessageLength(bytes, at, messageBytes)
    at += bytes.write(text, at, 'latin1')
    bytes.set(value, at)
    at += value.length
    // The terminator is written after the check below, which then needs no exception for it.
    if (framing === 'lf') bytes[at++] = 32
    ends[index - from] = at
    eventTimesMs[index - from] = eventTimeMs
  }
  const written = bytes.subarray(0, at)
  if (written.includes(lineFeed) || written.includes(carriageReturn) || written.includes(nul)) {
    const bad = batch.findIndex(({ value }, position) => position >= from && hasControl(value))
    const record = batch[bad] as BusRecord
    index = bad
    refused = { record, error: invalid(record, 'holds a line break or NUL') }
  }
  const count = index - from
  if (framing === 'lf') for (let message = 0; message < count; message++) bytes[(ends[message] ?? 1) - 1] = lineFeed
  const segment: Segment | undefined =
    count === 0
      ? undefined
      : {
          feed,
          bytes: bytes.subarray(0, ends[count - 1]),
          ends: ends.subarray(0, count),
          eventTimesMs,
          records: from === 0 && index === batch.length ? batch : batch.slice(from, index),
          handed: 0,
          confirmed: 0,
        }
  return refused === undefined ? { segment, next: index } : { segment, next: index + 1, refused }
}

/** The most bytes a message adds to its value. */
function overheadBytes({ framing, headerBytesMax, messageBytesMax }: EncoderSettings): number {
  return headerBytesMax + (framing === 'none' ? 0 : framingBytesMax(framing, messageBytesMax))
}

/** How many records go into the segment, and the bytes they need at most. */
function planSegment(
  batch: readonly BusRecord[],
  from: number,
  overhead: number,
  { bytesMax, messagesMax }: SegmentLimits,
): { readonly end: number; readonly bytes: number } {
  let bytes = 0
  let end = from
  for (; end < batch.length && end - from < Math.max(1, messagesMax); end++) {
    const more = (batch[end] as BusRecord).value.length + overhead
    if (end > from && bytes + more > bytesMax) break
    bytes += more
  }
  return { end, bytes }
}

/** A CEF line; of discovery also an object of JSON. */
function isMessage({ value, headers }: BusRecord): boolean {
  return startsWithCef(value) || (value[0] === brace && headers[outHeaders.kind] === 'discovery')
}

function startsWithCef(value: Buffer): boolean {
  return value[0] === prefix[0] && value[1] === prefix[1] && value[2] === prefix[2] && value[3] === prefix[3]
}

function hasControl(value: Buffer): boolean {
  return value.includes(lineFeed) || value.includes(carriageReturn) || value.includes(nul)
}

function whyRefused(record: BusRecord, messageBytes: number, messageBytesMax: number): RelayError {
  if (!isMessage(record)) return invalid(record, 'does not start with CEF:')
  return new RelayError(
    'RELAY_FRAME_TOO_LARGE',
    `message ${nameOf(record)} has ${messageBytes} bytes, the limit is ${messageBytesMax}; it went to dead-letters`,
  )
}

function invalid(record: BusRecord, what: string): RelayError {
  return new RelayError('RELAY_RECORD_INVALID', `message ${nameOf(record)} ${what}; it went to dead-letters`)
}

function nameOf({ topic, partition, offset }: BusRecord): string {
  return `${topic}/${partition}/${offset}`
}
