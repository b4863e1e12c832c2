/** RELP, the Reliable Event Logging Protocol (librelp, doc/relp.md): frames to bytes and back, offers, answers. Pure: sessions,
 *  windows and sockets live in syslog-sender.
 *
 *      RELP-FRAME = TXNR SP COMMAND SP DATALEN [SP DATA] LF
 *      TXNR       = 1*9DIGIT      ; 1 … 999,999,999, then 1 again; 0 marks a hint of the server
 *      COMMAND    = 1*32ALPHA     ; open, syslog, close; rsp, serverclose
 *      DATALEN    = 1*9DIGIT      ; octets of DATA; with 0 there is no second SP
 */

import { digitsOf, writeDecimal } from './decimal.ts'

export const relpTxnrMax = 999_999_999

/** A server cuts a message above its own maximum and acknowledges it all the same, so the sender has to keep to that maximum.
 *  This is rsyslog's default (maxMessageSize 8k counts 8,096 bytes; at 8,097 imrelp cut, rsyslog 8.2302). */
export const relpMessageBytesDefault = 8_096
/** librelp's own maximum, 128 KiB, which a receiver reaches with a larger maxMessageSize (131,072 bytes came whole, 131,073 cut). */
export const relpMessageBytesMax = 131_072

const lineFeed = 10
const space = 32
const zero = 48

interface Token {
  readonly name: string
  readonly lengthMax: number
}

const txnrToken: Token = { name: 'a transaction number', lengthMax: 9 }
const commandToken: Token = { name: 'a command', lengthMax: 32 }
const lengthToken: Token = { name: 'a data length', lengthMax: 9 }

export interface RelpFrame {
  readonly txnr: number
  readonly command: string
  readonly data: Buffer
}

/** Bytes that are no RELP, or not the RELP we can go on with. */
export class RelpError extends Error {
  override readonly name = 'RelpError'
}

/** The number of the transaction after this one. */
export function nextTxnr(txnr: number): number {
  return txnr >= relpTxnrMax ? 1 : txnr + 1
}

/** The bytes of one frame. */
export function encodeRelpFrame(txnr: number, command: string, data: Buffer = Buffer.alloc(0)): Buffer {
  const bytes = Buffer.allocUnsafe(relpFrameBytes(txnr, command, data.length))
  let at = writeRelpHeader(bytes, 0, txnr, command, data.length)
  if (data.length > 0) at += data.copy(bytes, at)
  bytes[at] = lineFeed
  return bytes
}

/** How many bytes a frame takes. */
export function relpFrameBytes(txnr: number, command: string, dataBytes: number): number {
  const spaces = dataBytes === 0 ? 2 : 3
  return digitsOf(txnr) + command.length + digitsOf(dataBytes) + spaces + dataBytes + 1
}

/**
 * Writes what stands before DATA in place, for senders that put many frames into one buffer. DATA and LF are the caller's.
 * @returns the position DATA starts at.
 */
export function writeRelpHeader(target: Buffer, at: number, txnr: number, command: string, dataBytes: number): number {
  let end = writeDecimal(target, at, txnr)
  target[end++] = space
  end += target.write(command, end, 'latin1')
  target[end++] = space
  end = writeDecimal(target, end, dataBytes)
  if (dataBytes > 0) target[end++] = space
  return end
}

/** DATA of `open`: what we are and can. */
export function encodeRelpOffers(software: string): Buffer {
  return Buffer.from(`relp_version=0\nrelp_software=${software}\ncommands=syslog`)
}

export interface RelpResponse {
  /** 200 for accepted; undefined where DATA is empty, which is how librelp answers `close`. */
  readonly code: number | undefined
  /** What the server says to it, fit to be shown. */
  readonly text: string
  /** Offers of an answer to `open`. */
  readonly offers: ReadonlyMap<string, string>
}

/**
 * DATA of `rsp`: `RSP-CODE [SP HUMANMSG] [LF CMDDATA]`.
 * @throws {RelpError} when it does not begin with a code of three digits.
 */
export function parseRelpResponse(data: Buffer): RelpResponse {
  if (data.length === 0) return { code: undefined, text: '', offers: new Map() }
  const [status = '', ...lines] = data.toString('utf8').split('\n')
  const match = /^(\d{3})(?: (.*))?$/.exec(status)
  if (match === null) throw new RelpError(`an answer begins with a code of three digits, found ${shown(data)}`)
  const offers = lines
    .map((line) => /^([^=]+)=(.*)$/.exec(line))
    .flatMap((pair) => (pair === null ? [] : [[pair[1] ?? '', pair[2] ?? ''] as const]))
  return { code: Number(match[1]), text: shown(Buffer.from(match[2] ?? '')), offers: new Map(offers) }
}

/**
 * Any chunking of a stream of frames back into frames. Takes both forms of an empty frame, `1 rsp 0 LF` and `1 rsp 0 SP LF`.
 * Keeps at most one unfinished frame of `dataBytesMax` bytes.
 */
export class RelpDecoder {
  readonly #dataBytesMax: number
  #rest: Buffer = Buffer.alloc(0)

  /** The default is ample for what a server says. */
  constructor(dataBytesMax = 16_384) {
    this.#dataBytesMax = dataBytesMax
  }

  /** Bytes of the unfinished frame. */
  get rest(): Buffer {
    return this.#rest
  }

  /**
   * Takes the next bytes; returns the frames they complete, which may share memory with `chunk`.
   * @throws {RelpError} at the first byte that cannot belong to a frame, and for DATALEN above the limit.
   */
  push(chunk: Buffer): RelpFrame[] {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    const frames: RelpFrame[] = []
    let at = 0
    while (at < bytes.length) {
      const found = this.#find(bytes, at)
      if (found === undefined) break
      frames.push(found.frame)
      at = found.next
    }
    // A copy, so that a short rest does not keep a large chunk alive.
    this.#rest = Buffer.from(bytes.subarray(at))
    return frames
  }

  /** The frame at this position; undefined while incomplete. */
  #find(bytes: Buffer, start: number): { readonly frame: RelpFrame; readonly next: number } | undefined {
    const txnrEnd = endOfDigits(bytes, start)
    if (!isWhole(bytes, start, txnrEnd, txnrToken)) return undefined
    const commandEnd = endOfLetters(bytes, txnrEnd + 1)
    if (!isWhole(bytes, txnrEnd + 1, commandEnd, commandToken)) return undefined
    const lengthStart = commandEnd + 1
    const lengthEnd = endOfDigits(bytes, lengthStart)
    const length = numberOf(bytes, lengthStart, lengthEnd)
    const digits = lengthEnd - lengthStart
    const isEnded = bytes[lengthEnd] === lineFeed && length === 0 && digits > 0 && digits <= lengthToken.lengthMax
    if (!isEnded && !isWhole(bytes, lengthStart, lengthEnd, lengthToken)) return undefined
    if (length > this.#dataBytesMax)
      throw new RelpError(`a frame of ${length} bytes is announced, the limit is ${this.#dataBytesMax}`)
    const dataStart = isEnded ? lengthEnd : lengthEnd + 1
    const dataEnd = dataStart + length
    if (dataEnd >= bytes.length) return undefined
    if (bytes[dataEnd] !== lineFeed) throw unexpected('a line feed behind the data', bytes, dataEnd)
    return {
      frame: {
        txnr: numberOf(bytes, start, txnrEnd),
        command: bytes.toString('latin1', txnrEnd + 1, commandEnd),
        data: bytes.subarray(dataStart, dataEnd),
      },
      next: dataEnd + 1,
    }
  }
}

/** Whether the token between the two places is whole, which the space behind it shows; false while more of it may come. */
function isWhole(bytes: Buffer, from: number, end: number, { name, lengthMax }: Token): boolean {
  const isOpen = end === bytes.length && end - from <= lengthMax
  if (!isOpen && (end === from || end - from > lengthMax || bytes[end] !== space)) throw unexpected(name, bytes, from)
  return !isOpen
}

function endOfDigits(bytes: Buffer, from: number): number {
  let end = from
  for (; end < bytes.length && end - from <= txnrToken.lengthMax; end++) {
    const byte = bytes[end] ?? 0
    if (byte < zero || byte > zero + 9) break
  }
  return end
}

function endOfLetters(bytes: Buffer, from: number): number {
  let end = from
  for (; end < bytes.length && end - from <= commandToken.lengthMax; end++) {
    // Upper case folded to lower.
    const letter = (bytes[end] ?? 0) | 32
    if (letter < 97 || letter > 122) break
  }
  return end
}

function numberOf(bytes: Buffer, from: number, end: number): number {
  let number = 0
  for (let position = from; position < end; position++) number = number * 10 + (bytes[position] ?? zero) - zero
  return number
}

function unexpected(what: string, bytes: Buffer, at: number): RelpError {
  // A TLS alert or handshake record: ContentType 21 or 22, version 3.x (RFC 8446 §5.1).
  if ((bytes[at] === 21 || bytes[at] === 22) && bytes[at + 1] === 3)
    return new RelpError(`expected ${what}, found TLS: this port wants it`)
  return new RelpError(`expected ${what}, found ${shown(bytes.subarray(at))}`)
}

/** The start of foreign text on one line. */
function shown(bytes: Buffer): string {
  const textMax = 80
  const text = bytes
    .subarray(0, textMax)
    .toString('utf8')
    .replace(/\p{C}+/gu, ' ')
    .trim()
  return JSON.stringify(bytes.length > textMax ? `${text}…` : text)
}
