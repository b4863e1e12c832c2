/** One request to an API with a budget: authorisation, budget, pauses and the meaning of every status but 200 and 400 are here.
 *  What a good answer holds is the business of each source's client. */
import { type Clock, type RawKind, RelayError } from '@siem-relay/common'
import type { Dispatchers } from '@siem-relay/http'
import { parseRetryAfter } from '@siem-relay/http'
import { type Answer, exchange } from '../http/exchange.ts'
import type { CollectorMetrics, RequestResult } from '../metrics.ts'
import type { TenantGate } from '../tenant-gate.ts'
import type { Authorizer } from './authorizer.ts'
import { problemOf } from './problem.ts'

/** The credentials are good but may not read this kind of record; another kind may be fine. */
export class PermissionError extends RelayError {
  /** @param permission what is missing, where the API does not say so itself. */
  constructor(message: string, permission?: string) {
    super(
      'RELAY_SOURCE_AUTH',
      message,
      permission === undefined
        ? {}
        : {
            nextMove: `Give the app registration the application permission ${permission} in Microsoft Entra, and grant admin consent.`,
          },
    )
  }
}

export interface ApiClientParts {
  readonly sourceId: string
  /** Origin, with a path prefix if it has one. */
  readonly url: string
  readonly clock: Clock
  readonly gate: TenantGate
  readonly dispatchers: Dispatchers
  readonly authorizer: Authorizer
  readonly metrics: CollectorMetrics
  readonly userAgent: string
}

export interface ApiRequest {
  readonly kind: RawKind
  readonly url: URL
  /** What it is for, in the words of an error; default: the kind. */
  readonly subject?: string
  /** In the tenant's budget, lower first. */
  readonly priority: number
  /** JSON; without one the request is a GET. */
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Named when the answer is 403. */
  readonly permission?: string
}

export class ApiClient {
  readonly #parts: ApiClientParts
  readonly host: string

  constructor(parts: ApiClientParts) {
    this.#parts = parts
    this.host = new URL(parts.url).host
  }

  /**
   * Asks, with a fresh token if the first one is refused.
   * @returns an answer with the status 200 or 400; what a 200 turned out to be is still to be counted.
   * @throws {RelayError} `RELAY_SOURCE_AUTH` (401 after a fresh token, 403), `…_THROTTLED` (the tenant's gate is closed already),
   *   `…_UNAVAILABLE`, `…_REQUEST` (another status, a redirect).
   */
  async ask(request: ApiRequest, signal: AbortSignal): Promise<Answer> {
    const first = await this.#send(request, signal)
    if (first.answer.status !== 401 || !this.#parts.authorizer.refused(first.header))
      return this.#judge(request, first.answer)
    const second = await this.#send(request, signal)
    if (second.answer.status === 401) this.#parts.authorizer.refused(second.header)
    return this.#judge(request, second.answer)
  }

  count(kind: RawKind, result: RequestResult): void {
    this.#parts.metrics.requests.inc({ source: this.#parts.sourceId, kind, result })
  }

  #send(request: ApiRequest, signal: AbortSignal): Promise<{ header: string; answer: Answer }> {
    const { gate, clock, authorizer, dispatchers, metrics, sourceId, userAgent } = this.#parts
    const { kind, url, body } = request
    return gate.run(request.priority, signal, async () => {
      const header = await authorizer.header(signal)
      const startMs = clock.monotonicMs()
      try {
        const answer = await exchange({
          dispatcher: dispatchers.to(url),
          clock,
          url,
          headers: {
            authorization: header,
            'user-agent': userAgent,
            ...(body === undefined ? {} : { 'content-type': 'application/json' }),
            ...request.headers,
          },
          ...(body === undefined ? {} : { body }),
          signal,
        })
        this.#heedThrottling(answer)
        if (answer.status !== 200) this.count(kind, resultOf(answer.status))
        return { header, answer }
      } catch (error) {
        if (!signal.aborted) this.count(kind, 'unavailable')
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

  #judge({ kind, subject = kind, permission }: ApiRequest, answer: Answer): Answer {
    const { status } = answer
    const { host } = this
    if (status === 200 || status === 400) return answer
    const words = problemOf(answer.body)
    const said = words === undefined ? '' : `: ${words}`
    if (status === 401)
      throw new RelayError('RELAY_SOURCE_AUTH', `${host} refused the credentials for ${subject} (401)${said}`)
    if (status === 403)
      throw new PermissionError(`${host} does not permit these credentials to read ${subject} (403)${said}`, permission)
    const retryAfterMs = this.#retryAfterMs(answer)
    const options = retryAfterMs === undefined ? {} : { retryAfterMs }
    if (status === 429 || (status === 503 && retryAfterMs !== undefined))
      throw new RelayError('RELAY_SOURCE_THROTTLED', `${host} asks to slow down (${status})`, options)
    if (status >= 500 || status === 408)
      throw new RelayError('RELAY_SOURCE_UNAVAILABLE', `${host} answered ${status} for ${subject}${said}`, options)
    if (status >= 300 && status < 400)
      throw new RelayError(
        'RELAY_SOURCE_REQUEST',
        `${host} redirects ${subject} to ${redirectHost(answer)}; redirects are not followed, since credentials would go along`,
      )
    throw new RelayError('RELAY_SOURCE_REQUEST', `${host} refused the request for ${subject} (${status})${said}`)
  }

  #retryAfterMs(answer: Answer): number | undefined {
    return parseRetryAfter(answer.header('retry-after'), answer.dateMs, this.#parts.clock.nowMs())
  }
}

/** Of an answer that is no success. */
function resultOf(status: number): RequestResult {
  if (status === 429) return 'throttled'
  if (status === 401 || status === 403) return 'auth'
  return status >= 500 ? 'unavailable' : 'refused'
}

function redirectHost(answer: Answer): string {
  const location = answer.header('location')
  return location !== undefined && URL.canParse(location) ? new URL(location).host : 'another place on the same host'
}
