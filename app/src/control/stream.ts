/** Answers that go on: one JSON value a line, as they come. A reader that is slow slows what is read for it; one that is gone
 *  ends it. */
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { describeError, RelayError } from '@siem-relay/common'

/**
 * Writes what an iterable gives until it ends or the other side has left.
 * @throws what comes before the first value; later trouble is the last line.
 */
export async function streamLines(
  response: ServerResponse,
  open: (signal: AbortSignal) => AsyncIterable<unknown>,
): Promise<void> {
  const leaving = new AbortController()
  response.once('close', () => leaving.abort())
  const { signal } = leaving
  const items = open(signal)[Symbol.asyncIterator]()
  try {
    let item = await items.next()
    response.writeHead(200, { 'content-type': 'application/x-ndjson' })
    while (item.done !== true && !signal.aborted) {
      if (!response.write(`${JSON.stringify(item.value)}\n`)) await once(response, 'drain', { signal })
      item = await items.next()
    }
  } catch (error) {
    if (!response.headersSent) throw error
    if (!signal.aborted) response.write(`${JSON.stringify(errorBody(error))}\n`)
  } finally {
    await items.return?.()
  }
  response.end()
}

export function errorBody(error: unknown): {
  readonly error: { readonly code: string | undefined; readonly message: string }
} {
  return { error: { code: error instanceof RelayError ? error.code : undefined, message: describeError(error) } }
}
