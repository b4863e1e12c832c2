/** The body of a request: read within bounds, and unpacked into rows. */

import type { IncomingMessage } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import type { Answer } from '../http/answer.ts'
import { malformed, rawTooLong } from './answers.ts'
import type { JsonObject } from './rows.ts'

const inflate = promisify(gunzip)

export interface ReadOptions {
  readonly bytesMax: number
  /** Waits so long after each piece. */
  readonly everyMs?: number | undefined
  /** Stops reading once so many bytes are there. */
  readonly untilBytes?: number | undefined
  readonly signal: AbortSignal
}

export interface Body {
  readonly wireBytes: number
  /** Undefined for a body above the limit. */
  readonly bytes: Buffer | undefined
}

/** A body above the limit is read and forgotten, so that its sender is there for the answer; beyond this it is cut off. */
const drainBytesMax = 64 * 1024 * 1024

/** @throws when the client goes away or sends without end. */
export async function readBody(request: IncomingMessage, options: ReadOptions): Promise<Body> {
  const { bytesMax, everyMs, untilBytes = Number.POSITIVE_INFINITY, signal } = options
  const pieces: Buffer[] = []
  let wireBytes = 0
  for await (const piece of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    wireBytes += piece.length
    if (wireBytes <= bytesMax) pieces.push(piece)
    else pieces.length = 0
    if (wireBytes > drainBytesMax) throw new RangeError(`the body is longer than ${drainBytesMax} bytes`)
    if (wireBytes >= untilBytes) break
    if (everyMs !== undefined) await sleep(everyMs, undefined, { signal })
  }
  return { wireBytes, bytes: wireBytes <= bytesMax ? Buffer.concat(pieces) : undefined }
}

export interface Rows {
  readonly rows: readonly JsonObject[]
  /** What was no row: a body that is one object instead of a list, items that are no objects. Azure says nothing about them. */
  readonly lost: number
  readonly rawBytes: number
}

/** @returns the rows, or the refusal. */
export async function unpackRows(bytes: Buffer, encoding: string, rawBytesMax: number): Promise<Rows | Answer> {
  if (encoding !== 'gzip' && encoding !== 'identity')
    return malformed(`Content-Encoding '${encoding}' is not supported.`)
  let raw = bytes
  if (encoding === 'gzip') {
    try {
      raw = await inflate(bytes, { maxOutputLength: rawBytesMax })
    } catch (error) {
      const isTooLong = error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE'
      return isTooLong ? rawTooLong(rawBytesMax) : malformed('The body is not valid gzip.')
    }
  }
  const value = parseJson(raw)
  const rawBytes = raw.length
  if (Array.isArray(value)) {
    const rows = value.filter(isObject)
    return { rows, lost: value.length - rows.length, rawBytes }
  }
  // Seen: MicrosoftDocs/azure-docs#112669. A single object is accepted and stored nowhere.
  return isObject(value) ? { rows: [], lost: 1, rawBytes } : malformed('The body is not a JSON array of objects.')
}

/** @returns undefined for what is not JSON in UTF-8. */
function parseJson(raw: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(raw))
  } catch {
    return undefined
  }
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
