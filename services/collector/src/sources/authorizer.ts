/** How requests to a source are authorised: a legacy API token, or Entra's client credentials grant with its
 *  token kept until shortly before it expires. Tokens go to the API only; a client secret to the token endpoint only. */
import { type Clock, RelayError } from '@siem-relay/common'
import type { Dispatchers } from '@siem-relay/http'
import { parseRetryAfter } from '@siem-relay/http'
import { type Answer, exchange } from '../http/exchange.ts'
import type { OauthSettings, TokenSettings } from './settings.ts'

export interface Authorizer {
  /**
   * The Authorization header.
   * @throws {RelayError} `RELAY_SOURCE_AUTH` when the credentials are refused; `RELAY_SOURCE_UNAVAILABLE`, `…_RESPONSE` and
   *   `…_THROTTLED` of the token endpoint.
   */
  header(signal: AbortSignal): Promise<string>
  /** The API refused this header: it is not used again. @returns whether another one can be had. */
  refused(header: string): boolean
}

export interface AuthorizerParts {
  readonly clock: Clock
  readonly dispatchers: Dispatchers
  readonly userAgent: string
}

/** Entra's tokens live an hour; one that dies within a sweep costs a refused request. */
const renewBeforeMs = 5 * 60_000
const tokenAnswerBytesMax = 1_048_576

export function createAuthorizer(auth: OauthSettings | TokenSettings, parts: AuthorizerParts): Authorizer {
  if (auth.type === 'token')
    return { header: () => Promise.resolve(`Token ${auth.token.reveal()}`), refused: () => false }
  return new ClientCredentials(auth, parts)
}

class ClientCredentials implements Authorizer {
  readonly #auth: OauthSettings
  readonly #parts: AuthorizerParts
  readonly #url: URL
  #token: { readonly header: string; readonly renewAtMs: number } | undefined
  /** The one request under way: everybody waits for the same token. */
  #pending: Promise<string> | undefined
  #blockedUntilMs = 0

  constructor(auth: OauthSettings, parts: AuthorizerParts) {
    this.#auth = auth
    this.#parts = parts
    this.#url = new URL(auth.tokenUrl ?? `https://login.microsoftonline.com/${auth.tenantId}/oauth2/v2.0/token`)
  }

  header(signal: AbortSignal): Promise<string> {
    const token = this.#token
    if (token !== undefined && this.#parts.clock.monotonicMs() < token.renewAtMs) return Promise.resolve(token.header)
    this.#pending ??= this.#fetch(signal).finally(() => {
      this.#pending = undefined
    })
    return this.#pending
  }

  refused(header: string): boolean {
    if (this.#token?.header === header) this.#token = undefined
    return true
  }

  async #fetch(signal: AbortSignal): Promise<string> {
    const { clock, dispatchers, userAgent } = this.#parts
    const blockedMs = this.#blockedUntilMs - clock.monotonicMs()
    if (blockedMs > 0) await clock.sleep(blockedMs, signal)
    const answer = await exchange({
      dispatcher: dispatchers.to(this.#url),
      clock,
      url: this.#url,
      headers: { 'user-agent': userAgent, 'content-type': 'application/x-www-form-urlencoded' },
      body: this.#form(),
      signal,
      bodyBytesMax: tokenAnswerBytesMax,
    })
    if (answer.status !== 200) throw this.#refusal(answer)
    const { accessToken, lifetimeMs } = this.#read(answer)
    // A token that lives shorter than the margin is used for half of its life.
    const usableMs = Math.max(lifetimeMs - renewBeforeMs, lifetimeMs / 2)
    this.#token = { header: `Bearer ${accessToken}`, renewAtMs: clock.monotonicMs() + usableMs }
    return this.#token.header
  }

  #form(): string {
    return new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: this.#auth.clientId,
      client_secret: this.#auth.clientSecret.reveal(),
      scope: this.#auth.scope,
    }).toString()
  }

  #read(answer: Answer): { accessToken: string; lifetimeMs: number } {
    const { access_token: accessToken, expires_in: expiresIn } = parseObject(answer.body)
    const lifetimeMs = Number(expiresIn ?? Number.NaN) * 1_000
    // Only what may stand in a header (RFC 6750 §2.1).
    if (typeof accessToken === 'string' && /^[\w.~+/-]+=*$/.test(accessToken) && lifetimeMs > 0)
      return { accessToken, lifetimeMs }
    throw new RelayError('RELAY_SOURCE_RESPONSE', `${this.#url.host} answered the token request with no token`)
  }

  #refusal(answer: Answer): RelayError {
    const { clock } = this.#parts
    const host = this.#url.host
    const retryAfterMs = parseRetryAfter(answer.header('retry-after'), answer.dateMs, clock.nowMs())
    if (retryAfterMs !== undefined) this.#blockedUntilMs = clock.monotonicMs() + retryAfterMs
    const options = retryAfterMs === undefined ? {} : { retryAfterMs }
    if (answer.status === 429)
      return new RelayError('RELAY_SOURCE_THROTTLED', `${host} asks to slow down with token requests`, options)
    if (answer.status >= 500)
      return new RelayError(
        'RELAY_SOURCE_UNAVAILABLE',
        `${host} answered the token request with ${answer.status}`,
        options,
      )
    const { error, error_description: description } = parseObject(answer.body)
    const words = [error, firstLine(description)].filter((part) => typeof part === 'string' && part !== '').join(': ')
    return new RelayError(
      'RELAY_SOURCE_AUTH',
      `${host} refused the token request (${answer.status})${words === '' ? '' : `: ${words.slice(0, 300)}`}`,
    )
  }
}

/** Entra's descriptions go on with trace ids on further lines. */
function firstLine(text: unknown): string | undefined {
  return typeof text === 'string' ? text.split(/[\r\n]/, 1)[0] : undefined
}

function parseObject(body: Buffer): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(body.toString())
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}
