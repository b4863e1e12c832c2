/** What the intake answers: who may hand rows in, what a body is, and what became of its rows. Rows are acknowledged when they are durable. */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { describeError } from '@siem-relay/common'
import type { HttpIntakeConfig } from './config.ts'
import { discard, readBody, tooLarge } from './http-body.ts'
import { HttpProblem, type RequestResult } from './http-problem.ts'
import type { Ledger, Taken } from './ledger.ts'
import { FormatError } from './rows/format-error.ts'
import { type BadRow, type GoodRow, type RowFormat, RowReader } from './rows/reader.ts'

export interface Answer {
  readonly result: RequestResult
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: object
}

export interface RequestsParts {
  readonly config: HttpIntakeConfig
  readonly ledger: Ledger
  /** Rejects once a client has waited long enough for the log; not before the signal. */
  readonly tooLong: (signal: AbortSignal) => Promise<unknown>
  readonly counted: (rows: Taken & { readonly rejected: readonly Pick<BadRow, 'reason'>[] }) => void
}

export const intakePath = '/v1/discovery'
/** Bodies read or kept at a time: what bounds the memory. */
const bodiesMax = 4
const rejectedShownMax = 100
const formats: Readonly<Record<string, RowFormat>> = {
  'application/x-ndjson': 'ndjson',
  'application/ndjson': 'ndjson',
  'application/json': 'json',
  'text/csv': 'csv',
}

export class Requests {
  readonly #parts: RequestsParts
  readonly #tokenHash: Buffer
  #open = 0

  constructor(parts: RequestsParts) {
    this.#parts = parts
    this.#tokenHash = hashOf(parts.config.token.reveal())
  }

  /** @param goOn tells a client that waits for it to send its body. Never throws. */
  async answer(request: IncomingMessage, goOn: (() => void) | undefined, signal: AbortSignal): Promise<Answer> {
    let isBodyComing = goOn === undefined
    try {
      const format = this.#admit(request)
      this.#open++
      isBodyComing = true
      goOn?.()
      return await this.#take(request, format, signal)
    } catch (error) {
      const problem = error instanceof HttpProblem ? error : problemOf(error)
      const isRead = isBodyComing && (await discard(request, this.#parts.config.maxBodyBytes, signal))
      return {
        result: problem.result,
        status: problem.status,
        headers: isRead ? problem.headers : { ...problem.headers, connection: 'close' },
        body: { error: problem.message },
      }
    }
  }

  /** @throws {HttpProblem} for what need not be read. */
  #admit(request: IncomingMessage): RowFormat {
    const { config, ledger } = this.#parts
    if (!this.#isAuthorized(request.headers.authorization))
      throw new HttpProblem('unauthorized', 'send the token of the source as Authorization: Bearer …', {
        headers: { 'www-authenticate': 'Bearer' },
      })
    if (request.url?.split('?')[0] !== intakePath)
      throw new HttpProblem('not_found', `rows are posted to ${intakePath}`)
    if (request.method !== 'POST')
      throw new HttpProblem('not_found', `rows are posted to ${intakePath}`, {
        status: 405,
        headers: { allow: 'POST' },
      })
    const format = formatOf(request.headers['content-type'])
    isGzipped(request)
    if (Number(request.headers['content-length'] ?? 0) > config.maxBodyBytes) throw tooLarge(config.maxBodyBytes)
    if (ledger.trouble !== undefined) throw unavailable(ledger.trouble)
    if (this.#open >= bodiesMax) throw new HttpProblem('busy', `${bodiesMax} bodies are being taken already`)
    return format
  }

  async #take(request: IncomingMessage, format: RowFormat, signal: AbortSignal): Promise<Answer> {
    const { config, ledger, counted } = this.#parts
    const reader = new RowReader(format, config.maxRowBytes)
    const good: GoodRow[] = []
    const reasons: Pick<BadRow, 'reason'>[] = []
    const shown: object[] = []
    try {
      await readBody(request, {
        bytesMax: config.maxBodyBytes,
        isGzip: isGzipped(request),
        reader,
        take: (rows) => {
          for (const row of rows) {
            if ('id' in row) good.push(row)
            else {
              reasons.push({ reason: row.reason })
              if (shown.length < rejectedShownMax) shown.push({ [reader.placeName]: row.place, problems: row.problems })
            }
          }
        },
        signal,
      })
    } catch (error) {
      this.#open--
      throw error
    }
    const taking = ledger.take(good).then((taken) => {
      counted({ ...taken, rejected: reasons })
      return taken
    })
    // Whoever goes away leaves the rows under way: they hold their place until they are kept.
    taking.catch(() => undefined).finally(() => this.#open--)
    const taken = await this.#inTime(taking, signal)
    return {
      result: 'ok',
      status: 200,
      headers: {},
      body: { ...taken, rejected: shown, rejectedTotal: reasons.length },
    }
  }

  async #inTime<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
    const done = new AbortController()
    const late = this.#parts.tooLong(AbortSignal.any([signal, done.signal])).then(() => {
      throw unavailable(this.#parts.ledger.trouble ?? 'the log has not confirmed the rows yet')
    })
    late.catch(() => undefined)
    try {
      return await Promise.race([work, late])
    } finally {
      done.abort()
    }
  }

  /** In constant time, whatever the lengths. */
  #isAuthorized(header: string | undefined): boolean {
    const given = /^Bearer +(.+)$/i.exec(header ?? '')?.[1] ?? ''
    return timingSafeEqual(hashOf(given), this.#tokenHash)
  }
}

function hashOf(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

function formatOf(header: string | undefined): RowFormat {
  const [type = '', ...parameters] = (header ?? '').split(';').map((part) => part.trim().toLowerCase())
  const charset = parameters
    .find((part) => part.startsWith('charset='))
    ?.slice(8)
    .replaceAll('"', '')
  const format = formats[type]
  if (format === undefined)
    throw new HttpProblem('unsupported', 'Content-Type must be application/x-ndjson, application/json or text/csv')
  if (charset !== undefined && charset !== 'utf-8' && charset !== 'utf8' && charset !== 'us-ascii')
    throw new HttpProblem('unsupported', 'the charset must be utf-8')
  return format
}

function isGzipped(request: IncomingMessage): boolean {
  const encoding = (request.headers['content-encoding'] ?? 'identity').trim().toLowerCase()
  if (encoding !== 'identity' && encoding !== 'gzip' && encoding !== 'x-gzip')
    throw new HttpProblem('unsupported', 'Content-Encoding must be gzip, or none')
  return encoding !== 'identity'
}

function problemOf(error: unknown): HttpProblem {
  return error instanceof FormatError ? new HttpProblem('bad_body', error.message) : unavailable(error)
}

function unavailable(reason: unknown): HttpProblem {
  return new HttpProblem('unavailable', `not taken for now, send it again: ${describeError(reason)}`)
}
