/** One upload to the Logs Ingestion API and what came of it. Says what Azure answered; what to do about it is delivery.ts.
 *  Source: "Logs Ingestion API in Azure Monitor", REST API call; its table of response codes. */
import { randomUUID } from 'node:crypto'
import type { Clock } from '@siem-relay/common'
import { parseHttpDate, parseRetryAfter } from '@siem-relay/http'
import { type Dispatcher, request } from 'undici'

export type Answer =
  /** Accepted. Azure may still drop rows whose columns it does not know: they are checked before. */
  | { readonly type: 'stored' }
  /** 429, or 503 with a Retry-After. */
  | { readonly type: 'throttled'; readonly retryAfterMs: number | undefined }
  /** 413. */
  | { readonly type: 'too-large' }
  /** 400 and what else is said of the body itself. */
  | { readonly type: 'refused'; readonly reason: string; readonly errorCode: string }
  /** 401. */
  | { readonly type: 'unauthorized'; readonly reason: string }
  /** 403. */
  | { readonly type: 'forbidden'; readonly reason: string }
  /** 404: no such rule or stream at this endpoint. */
  | { readonly type: 'not-found'; readonly reason: string }
  /** 408, 5xx, no answer: it may have been stored or not. */
  | { readonly type: 'failed'; readonly reason: string }

export interface UploadRequest {
  readonly dispatcher: Dispatcher
  readonly clock: Clock
  readonly endpoint: string
  readonly ruleId: string
  readonly stream: string
  readonly token: string
  /** A JSON array, gzipped. */
  readonly body: Buffer
  readonly timeoutMs: number
  readonly userAgent: string
  readonly signal: AbortSignal
}

export interface UploadResult {
  readonly answer: Answer
  /** 0 when no answer came. */
  readonly status: number
}

const apiVersion = '2023-01-01'
/** An error says its reason in its first bytes. */
const errorBytesMax = 16_384

/** @throws the signal's reason once it is aborted; everything else is an answer. */
export async function upload(options: UploadRequest): Promise<UploadResult> {
  const { clock, signal, timeoutMs } = options
  const late = new AbortController()
  const cancel = clock.after(timeoutMs, () => late.abort(new Error(`no whole answer within ${timeoutMs / 1_000} s`)))
  const url = new URL(
    `/dataCollectionRules/${options.ruleId}/streams/${options.stream}?api-version=${apiVersion}`,
    options.endpoint,
  )
  try {
    const response = await request(url, {
      dispatcher: options.dispatcher,
      method: 'POST',
      headers: {
        authorization: `Bearer ${options.token}`,
        'content-type': 'application/json',
        'content-encoding': 'gzip',
        'user-agent': options.userAgent,
        'x-ms-client-request-id': randomUUID(),
      },
      body: options.body,
      signal: AbortSignal.any([signal, late.signal]),
    })
    const header = (name: string): string | undefined => {
      const value = response.headers[name]
      return Array.isArray(value) ? value[0] : value
    }
    const text = await readText(response.body)
    return { answer: answerOf(response.statusCode, header, text, clock.nowMs()), status: response.statusCode }
  } catch (error) {
    if (signal.aborted) throw signal.reason
    return { answer: { type: 'failed', reason: `${url.host} gave no answer: ${reasonOf(error)}` }, status: 0 }
  } finally {
    cancel()
  }
}

function answerOf(status: number, header: (name: string) => string | undefined, text: string, nowMs: number): Answer {
  const requestId = header('x-ms-request-id')
  // 204 is what Azure says; another success counts only when it is Azure that says it, and no proxy in between.
  if (status === 204 || ((status === 200 || status === 202) && requestId !== undefined)) return { type: 'stored' }
  const { code, message } = errorOf(text)
  const errorCode = (header('x-ms-error-code') ?? code).slice(0, 100)
  const reason = [`HTTP ${status}`, errorCode, message.slice(0, 300), requestNote(requestId)]
    .filter((part) => part !== '')
    .join(' ')
  const retryAfterMs = parseRetryAfter(header('retry-after'), parseHttpDate(header('date')), nowMs)
  if (status === 429 || (status === 503 && retryAfterMs !== undefined)) return { type: 'throttled', retryAfterMs }
  if (status === 413) return { type: 'too-large' }
  if (status === 401) return { type: 'unauthorized', reason }
  if (status === 403) return { type: 'forbidden', reason }
  if (status === 404) return { type: 'not-found', reason }
  if (status === 408 || status >= 500 || status < 400) return { type: 'failed', reason }
  return { type: 'refused', reason, errorCode }
}

/** `{"error": {"code": …, "message": …}}`. */
function errorOf(text: string): { readonly code: string; readonly message: string } {
  try {
    const { error } = JSON.parse(text) as { error?: { code?: unknown; message?: unknown } }
    const plain = (value: unknown): string => (typeof value === 'string' ? value.replace(/[\x00-\x1f\x7f]/g, ' ') : '')
    return { code: plain(error?.code), message: plain(error?.message) }
  } catch {
    return { code: '', message: '' }
  }
}

function requestNote(id: string | undefined): string {
  return id === undefined ? '' : `(request ${id.slice(0, 64)})`
}

async function readText(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of body) {
    chunks.push(chunk)
    length += chunk.length
    if (length >= errorBytesMax) break
  }
  return Buffer.concat(chunks).toString('utf8')
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const code = (error as NodeJS.ErrnoException).code
  const cause = error.name === 'AbortError' && error.cause instanceof Error ? error.cause : error
  return [code, cause.message].filter((part) => part !== undefined && part !== '').join(' ') || error.name
}
