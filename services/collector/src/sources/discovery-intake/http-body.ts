/** The body of a request, expanded and read into rows as it comes, within its bounds. */
import type { IncomingMessage } from 'node:http'
import { createGunzip } from 'node:zlib'
import { HttpProblem } from './http-problem.ts'
import type { ReadRow, RowReader } from './rows/reader.ts'

export interface BodyParts {
  readonly bytesMax: number
  readonly isGzip: boolean
  readonly reader: RowReader
  readonly take: (rows: readonly ReadRow[]) => void
  /** Reading ends when the source stops. */
  readonly signal: AbortSignal
}

/** @throws {HttpProblem} too_large, bad_body, aborted, unavailable. @throws {FormatError} */
export function readBody(
  request: IncomingMessage,
  { bytesMax, isGzip, reader, take, signal }: BodyParts,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const gunzip = isGzip ? createGunzip() : undefined
  const expanded = gunzip ?? request
  let sentBytes = 0
  let expandedBytes = 0

  function end(error?: unknown): void {
    request.off('data', count).off('close', onClose).off('error', onClose)
    signal.removeEventListener('abort', onAbort)
    expanded.off('data', onData).off('end', onEnd)
    if (gunzip !== undefined) request.unpipe(gunzip)
    gunzip?.destroy()
    // What follows is for `discard`; a connection that breaks then is no news.
    request.on('error', () => undefined)
    if (error === undefined) resolve()
    else reject(error)
  }
  function count(chunk: Buffer): void {
    sentBytes += chunk.length
    if (sentBytes > bytesMax) end(tooLarge(bytesMax))
  }
  function onData(chunk: Buffer): void {
    expandedBytes += chunk.length
    if (expandedBytes > bytesMax) end(tooLarge(bytesMax))
    else attempt(() => take(reader.push(chunk)))
  }
  function onEnd(): void {
    if (attempt(() => take(reader.end()))) end()
  }
  function attempt(work: () => void): boolean {
    try {
      work()
      return true
    } catch (error) {
      end(error)
      return false
    }
  }
  function onClose(): void {
    if (!request.complete) end(new HttpProblem('aborted', 'the connection ended before the body did'))
  }
  function onAbort(): void {
    end(new HttpProblem('unavailable', 'the relay is stopping'))
  }

  request.on('data', count).on('close', onClose).on('error', onClose)
  signal.addEventListener('abort', onAbort)
  expanded.on('data', onData).on('end', onEnd)
  if (gunzip !== undefined) {
    gunzip.on('error', (cause) => end(new HttpProblem('bad_body', `the body is not whole gzip data: ${cause.message}`)))
    request.pipe(gunzip)
  }
  if (signal.aborted) onAbort()
  return promise
}

/**
 * Reads what is left, so that a client that is still sending gets its answer.
 * @returns false when it does not end within the bound, or the source stops.
 */
export function discard(request: IncomingMessage, bytesMax: number, signal: AbortSignal): Promise<boolean> {
  if (request.readableEnded || request.destroyed) return Promise.resolve(true)
  if (signal.aborted) return Promise.resolve(false)
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const onAbort = (): void => resolve(false)
  let bytes = 0
  const onData = (chunk: Buffer): void => {
    bytes += chunk.length
    if (bytes > bytesMax) resolve(false)
  }
  signal.addEventListener('abort', onAbort)
  request
    .on('data', onData)
    .once('end', () => resolve(true))
    .once('close', () => resolve(true))
    .on('error', () => resolve(true))
    .resume()
  return promise.finally(() => {
    signal.removeEventListener('abort', onAbort)
    request.off('data', onData)
  })
}

export function tooLarge(bytesMax: number): HttpProblem {
  return new HttpProblem('too_large', `the body is longer than ${bytesMax} bytes: send it in parts`)
}
