/** One request and its whole answer, with a bound on everything: time to the headers, silence in the body, the whole, and
 *  the body's size before and after unpacking. Says what came; what a status means is the client's business. */
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { type Clock, RelayError } from '@siem-relay/common'
import { parseHttpDate } from '@siem-relay/http'
import { type Dispatcher, request as send } from 'undici'

export interface ExchangeRequest {
  readonly dispatcher: Dispatcher
  readonly clock: Clock
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  /** Posted; without one the request is a GET. */
  readonly body?: string
  readonly signal: AbortSignal
  /** Default 64 MB, packed and unpacked. */
  readonly bodyBytesMax?: number
}

export interface Answer {
  readonly status: number
  /** Of an answer that is no success: at most its first 64 KB. */
  readonly body: Buffer
  /** The Date header, milliseconds since the epoch. */
  readonly dateMs: number | undefined
  header(name: string): string | undefined
}

const wholeTimeoutMs = 5 * 60_000
const bodyBytesMaxDefault = 64 * 1_048_576
const errorBytesMax = 65_536
const unpack = promisify(gunzip)

/**
 * Asks and reads the answer. Redirects are not followed.
 * @throws {RelayError} `RELAY_SOURCE_UNAVAILABLE` when no whole answer came; `RELAY_SOURCE_RESPONSE` when it is too large or
 *   packed wrongly. The signal's reason once it is aborted.
 */
export async function exchange(request: ExchangeRequest): Promise<Answer> {
  const { clock, url, signal } = request
  const late = new AbortController()
  const cancel = clock.after(wholeTimeoutMs, () =>
    late.abort(new Error(`no whole answer within ${wholeTimeoutMs / 1_000} s`)),
  )
  try {
    const response = await send(url, {
      dispatcher: request.dispatcher,
      method: request.body === undefined ? 'GET' : 'POST',
      headers: { ...request.headers, accept: 'application/json', 'accept-encoding': 'gzip' },
      ...(request.body === undefined ? {} : { body: request.body }),
      signal: AbortSignal.any([signal, late.signal]),
    })
    const header = (name: string): string | undefined => {
      const value = response.headers[name]
      return Array.isArray(value) ? value[0] : value
    }
    const body = await readBody(response, request.bodyBytesMax ?? bodyBytesMaxDefault, url, header)
    return { status: response.statusCode, body, dateMs: parseHttpDate(header('date')), header }
  } catch (error) {
    if (signal.aborted) throw signal.reason
    if (error instanceof RelayError) throw error
    throw new RelayError('RELAY_SOURCE_UNAVAILABLE', `${url.host} gave no answer: ${reasonOf(error)}`, { cause: error })
  } finally {
    cancel()
  }
}

async function readBody(
  response: Dispatcher.ResponseData,
  bytesMax: number,
  url: URL,
  header: (name: string) => string | undefined,
): Promise<Buffer> {
  const isSuccess = response.statusCode >= 200 && response.statusCode < 300
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of response.body as AsyncIterable<Buffer>) {
    length += chunk.length
    chunks.push(chunk)
    if (!isSuccess && length > errorBytesMax) break
    if (length > bytesMax) throw tooLarge(url, bytesMax)
  }
  const body = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)
  const encoding = header('content-encoding')?.trim().toLowerCase() ?? 'identity'
  if (encoding === 'identity' || encoding === '') return body
  if (encoding !== 'gzip' && encoding !== 'x-gzip')
    throw new RelayError(
      'RELAY_SOURCE_RESPONSE',
      `${url.host} answered in the encoding ${encoding.slice(0, 40)}, which was not asked for`,
    )
  try {
    return await unpack(body, { maxOutputLength: bytesMax })
  } catch (error) {
    // An error page need not be whole to be named by its status.
    if (!isSuccess) return Buffer.alloc(0)
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(url, bytesMax)
    throw new RelayError('RELAY_SOURCE_RESPONSE', `the packed answer of ${url.host} is damaged: ${reasonOf(error)}`, {
      cause: error,
    })
  }
}

function tooLarge(url: URL, bytesMax: number): RelayError {
  return new RelayError('RELAY_SOURCE_RESPONSE', `the answer of ${url.host} is larger than ${bytesMax} bytes; given up`)
}

/** Connection errors of several addresses have no message of their own, only a code. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const code = (error as NodeJS.ErrnoException).code
  return [code, error.message].filter((part) => part !== undefined && part !== '').join(' ') || error.name
}
