/** Defender for Cloud Apps' list routes: one call is one page, or one error that says what to do. Authorisation, budget and
 *  the meaning of every status are here; where the page belongs in a sweep is the stream's business. */
import { type Clock, type Page, RelayError, splitPage } from '@siem-relay/common'
import type { Dispatchers } from '@siem-relay/http'
import { parseRetryAfter } from '@siem-relay/http'
import { type Answer, exchange } from '../../http/exchange.ts'
import type { CollectorMetrics } from '../../metrics.ts'
import type { TenantGate } from '../../tenant-gate.ts'
import type { Authorizer } from '../authorizer.ts'
import { problemOf } from '../problem.ts'
import type { ListQuery, StreamKind } from './paging.ts'

export type Listed =
  | { readonly type: 'page'; readonly page: Page; readonly serverMs: number | undefined }
  /** The API understood and refused the query: 400, or 200 with an error in it. */
  | { readonly type: 'refused'; readonly status: number; readonly problem: string }

/** The credentials are good but may not read this kind of record; another kind may be fine. */
export class PermissionError extends RelayError {
  constructor(message: string) {
    super('RELAY_SOURCE_AUTH', message)
  }
}

export interface ClientParts {
  readonly sourceId: string
  readonly url: string
  readonly clock: Clock
  readonly gate: TenantGate
  readonly dispatchers: Dispatchers
  readonly authorizer: Authorizer
  readonly metrics: CollectorMetrics
  readonly userAgent: string
}

export class DefenderClient {
  readonly #parts: ClientParts

  constructor(parts: ClientParts) {
    this.#parts = parts
  }

  /**
   * Reads one page.
   * @param priority in the tenant's budget, lower first.
   * @throws {RelayError} `RELAY_SOURCE_AUTH` (401 after a fresh token, 403), `…_THROTTLED` (the tenant's gate is closed already),
   *   `…_UNAVAILABLE`, `…_RESPONSE` (no page of the API), `…_REQUEST` (another status, a redirect).
   */
  async list(kind: StreamKind, query: ListQuery, priority: number, signal: AbortSignal): Promise<Listed> {
    const first = await this.#ask(kind, query, priority, signal)
    if (first.answer.status !== 401 || !this.#parts.authorizer.refused(first.header))
      return this.#judge(kind, first.answer)
    const second = await this.#ask(kind, query, priority, signal)
    if (second.answer.status === 401) this.#parts.authorizer.refused(second.header)
    return this.#judge(kind, second.answer)
  }

  #ask(
    kind: StreamKind,
    query: ListQuery,
    priority: number,
    signal: AbortSignal,
  ): Promise<{ header: string; answer: Answer }> {
    const { gate, clock, authorizer, dispatchers, metrics, sourceId, userAgent } = this.#parts
    const url = new URL(`${this.#parts.url.replace(/\/+$/, '')}/api/v1/${kind}/`)
    return gate.run(priority, signal, async () => {
      const header = await authorizer.header(signal)
      const startMs = clock.monotonicMs()
      try {
        const answer = await exchange({
          dispatcher: dispatchers.to(url),
          clock,
          url,
          headers: { authorization: header, 'user-agent': userAgent, 'content-type': 'application/json' },
          body: JSON.stringify(query),
          signal,
        })
        this.#heedThrottling(answer)
        if (answer.status !== 200) this.#count(kind, resultOf(answer.status))
        return { header, answer }
      } catch (error) {
        if (!signal.aborted) this.#count(kind, 'unavailable')
        throw error
      } finally {
        metrics.requestSeconds.observe({ source: sourceId, kind }, (clock.monotonicMs() - startMs) / 1_000)
      }
    })
  }

  /** Still inside the gate, so that nobody asks in between. */
  #heedThrottling(answer: Answer): void {
    const { gate, metrics, sourceId } = this.#parts
    const retryAfterMs = this.#retryAfterMs(answer)
    if (answer.status === 429 || (answer.status === 503 && retryAfterMs !== undefined)) {
      gate.throttled(retryAfterMs)
      metrics.throttled.inc({ source: sourceId })
    } else if (answer.status < 500) gate.answered()
  }

  #judge(kind: StreamKind, answer: Answer): Listed {
    const { status } = answer
    const host = new URL(this.#parts.url).host
    if (status === 200) return this.#readPage(kind, answer)
    const words = problemOf(answer.body)
    const said = words === undefined ? '' : `: ${words}`
    if (status === 400) return { type: 'refused', status, problem: words ?? 'no reason given' }
    if (status === 401)
      throw new RelayError('RELAY_SOURCE_AUTH', `${host} refused the credentials for ${kind} (401)${said}`)
    if (status === 403)
      throw new PermissionError(`${host} does not permit these credentials to read ${kind} (403)${said}`)
    const retryAfterMs = this.#retryAfterMs(answer)
    const options = retryAfterMs === undefined ? {} : { retryAfterMs }
    if (status === 429 || (status === 503 && retryAfterMs !== undefined))
      throw new RelayError('RELAY_SOURCE_THROTTLED', `${host} asks to slow down (${status})`, options)
    if (status >= 500 || status === 408)
      throw new RelayError('RELAY_SOURCE_UNAVAILABLE', `${host} answered ${status} for ${kind}${said}`, options)
    if (status >= 300 && status < 400)
      throw new RelayError(
        'RELAY_SOURCE_REQUEST',
        `${host} redirects ${kind} to ${redirectHost(answer)}; redirects are not followed, since credentials would go along`,
      )
    throw new RelayError('RELAY_SOURCE_REQUEST', `${host} refused the request for ${kind} (${status})${said}`)
  }

  #readPage(kind: StreamKind, answer: Answer): Listed {
    let page: Page
    try {
      page = splitPage(answer.body)
    } catch (error) {
      this.#count(kind, 'bad_answer')
      throw error
    }
    this.#count(kind, page.problem === undefined ? 'ok' : 'refused')
    if (page.problem !== undefined) return { type: 'refused', status: 200, problem: page.problem }
    return { type: 'page', page, serverMs: answer.dateMs }
  }

  #retryAfterMs(answer: Answer): number | undefined {
    return parseRetryAfter(answer.header('retry-after'), answer.dateMs, this.#parts.clock.nowMs())
  }

  #count(kind: StreamKind, result: Result): void {
    this.#parts.metrics.requests.inc({ source: this.#parts.sourceId, kind, result })
  }
}

type Result = 'ok' | 'throttled' | 'auth' | 'refused' | 'bad_answer' | 'unavailable'

/** Of an answer that is no success. */
function resultOf(status: number): Result {
  if (status === 429) return 'throttled'
  if (status === 401 || status === 403) return 'auth'
  return status >= 500 ? 'unavailable' : 'refused'
}

function redirectHost(answer: Answer): string {
  const location = answer.header('location')
  return location !== undefined && URL.canParse(location) ? new URL(location).host : 'another place on the same host'
}
