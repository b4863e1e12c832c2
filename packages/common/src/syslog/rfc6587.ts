/** Octet-counting and non-transparent framing (RFC 6587 §3.4, RFC 5425 §4.3): messages to bytes and back.
 *  Pure: sockets live in syslog-sender, length limits of a destination in its encoder. */
import { RelayError } from '../errors.ts'
import { digitsOf, writeDecimal } from './decimal.ts'

/** `octet-counting`: `MSG-LEN SP SYSLOG-MSG`; `lf`: `SYSLOG-MSG LF`. */
export type Framing = 'octet-counting' | 'lf'

const lineFeed = 10
const space = 32
const zero = 48

/** MSG-LEN of everything a syslog message can be: up to 999,999,999 bytes. */
const lengthDigitsMax = 9

/** The most bytes framing adds to a message of at most `messageBytes` bytes. */
export function framingBytesMax(framing: Framing, messageBytes: number): number {
  return framing === 'lf' ? 1 : digitsOf(messageBytes) + 1
}

/**
 * Frames one message for a stream transport.
 * @param message syslog message without trailing newline; at least one byte.
 * @returns bytes `MSG-LEN SP SYSLOG-MSG` or `SYSLOG-MSG LF`; MSG-LEN counts octets, not characters.
 * @throws {RelayError} `RELAY_RECORD_INVALID` for an empty message, and for one that holds LF under LF framing: it would be two.
 * @see RFC 6587 §3.4.1, §3.4.2
 * @example frame(Buffer.from('<34>1 - - - - - - é'), 'octet-counting') // '20 <34>1 …': 19 characters, 20 octets
 */
export function frame(message: Buffer, framing: Framing): Buffer {
  if (message.length === 0) throw new RelayError('RELAY_RECORD_INVALID', 'a syslog message cannot be empty')
  if (framing === 'lf' && message.includes(lineFeed))
    throw new RelayError(
      'RELAY_RECORD_INVALID',
      'the message holds a line feed, which LF framing would read as its end',
    )
  const framed = Buffer.allocUnsafe(message.length + framingBytesMax(framing, message.length))
  const start = framing === 'lf' ? 0 : writeMessageLength(framed, 0, message.length)
  message.copy(framed, start)
  if (framing === 'lf') framed[message.length] = lineFeed
  return framed
}

/**
 * Writes `MSG-LEN SP` in place; the hot path of the sender, which writes header and value right behind it.
 * @returns the position after the space.
 */
export function writeMessageLength(target: Buffer, at: number, messageBytes: number): number {
  const end = writeDecimal(target, at, messageBytes)
  target[end] = space
  return end + 1
}

/** A stream that cannot be split any further: wrong framing, or a message above the limit. */
export class FramingError extends Error {
  override readonly name = 'FramingError'
}

/**
 * The inverse of `frame`: any chunking of a stream back into its messages. For receivers, which is what tests and tools run.
 * Keeps at most one unfinished message of `messageBytesMax` bytes.
 */
export class FrameSplitter {
  readonly #framing: Framing
  readonly #messageBytesMax: number
  #rest: Buffer = Buffer.alloc(0)

  constructor(framing: Framing, messageBytesMax = 1_048_576) {
    this.#framing = framing
    this.#messageBytesMax = messageBytesMax
  }

  /** Bytes of the unfinished message: what a connection that ends here leaves torn. */
  get rest(): Buffer {
    return this.#rest
  }

  /**
   * Takes the next bytes; returns the messages they complete, which may share memory with `chunk`.
   * @throws {FramingError} when MSG-LEN is not `NONZERO-DIGIT *DIGIT SP`, or a message is longer than the limit.
   */
  push(chunk: Buffer): Buffer[] {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    const messages: Buffer[] = []
    let at = 0
    while (at < bytes.length) {
      const found = this.#framing === 'lf' ? findLine(bytes, at) : this.#findCounted(bytes, at)
      if (found === undefined) break
      const [start, end, next] = found
      this.#checkLength(end - start)
      messages.push(bytes.subarray(start, end))
      at = next
    }
    // A copy, so that a short rest does not keep a large chunk alive.
    this.#rest = Buffer.from(bytes.subarray(at))
    if (this.#framing === 'lf') this.#checkLength(this.#rest.length)
    return messages
  }

  /** `MSG-LEN SP SYSLOG-MSG`, MSG-LEN = NONZERO-DIGIT *DIGIT (RFC 6587 §3.4.1); undefined while incomplete. */
  #findCounted(bytes: Buffer, at: number): readonly [start: number, end: number, next: number] | undefined {
    let length = 0
    for (let position = at; position < bytes.length; position++) {
      const byte = bytes[position] ?? 0
      if (byte === space && position > at) {
        this.#checkLength(length)
        const end = position + 1 + length
        return end <= bytes.length ? [position + 1, end, end] : undefined
      }
      const isDigit = byte > zero && byte <= zero + 9
      if (!(isDigit || (byte === zero && position > at)) || position - at >= lengthDigitsMax)
        throw new FramingError(`expected an octet count, found byte ${byte} at position ${position - at}`)
      length = length * 10 + byte - zero
    }
    return undefined
  }

  #checkLength(messageBytes: number): void {
    if (messageBytes > this.#messageBytesMax)
      throw new FramingError(`message of ${messageBytes} bytes or more; the limit is ${this.#messageBytesMax}`)
  }
}

function findLine(bytes: Buffer, at: number): readonly [start: number, end: number, next: number] | undefined {
  const end = bytes.indexOf(lineFeed, at)
  return end < 0 ? undefined : [at, end, end + 1]
}
