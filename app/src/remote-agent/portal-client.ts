/** Requests to the portal: the way there, the token, and what each answer means. One HTTPS POST each, redirects are not followed. */

import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import {
  agentProtocolHeader,
  agentProtocols,
  agentRefusalSchema,
  type Clock,
  printable,
  RelayError,
} from '@siem-relay/common'
import { type Dispatchers, parseHttpDate, parseRetryAfter } from '@siem-relay/http'
import type { z } from 'zod'

const gunzipped = promisify(gunzip)
/** A poll's records are at most 1 MiB and one record more; as JSON and base64 a few times that. */
const bodyBytesMax = 33_554_432

/** Somebody else works with the token. */
export class StandBy extends RelayError {}
/** What was taken is somebody else's now. */
export class LeaseLost extends RelayError {}

export interface PortalClientParts {
  /** With the path the portal has, without a slash at its end. */
  readonly url: string
  /** Read anew for each request: a token file may change. */
  readonly token: () => string
  readonly dispatchers: Dispatchers
  readonly clock: Clock
  readonly userAgent: string
}

export type AgentRequest = 'hello' | 'lease' | 'poll' | 'report' | 'release'

export class PortalClient {
  readonly origin: string
  readonly #parts: PortalClientParts

  constructor(parts: PortalClientParts) {
    this.#parts = parts
    this.origin = new URL(parts.url).origin
  }

  /**
   * @throws {RelayError} `RELAY_PORTAL_…`, `RELAY_AGENT_TOKEN`, `RELAY_AGENT_PROTOCOL`; {@link StandBy}, {@link LeaseLost}; the signal's
   *   reason once it is aborted.
   */
  async ask<Schema extends z.ZodType>(
    request: AgentRequest,
    body: object,
    schema: Schema,
    signal: AbortSignal,
  ): Promise<z.output<Schema>> {
    const { status, header, value } = await this.#exchange(request, JSON.stringify(body), signal)
    if (status !== 200) throw this.#refusal(status, header, value)
    const parsed = schema.safeParse(value)
    if (parsed.success) return parsed.data
    const { path, message } = parsed.error.issues[0] ?? { path: [], message: '' }
    throw new RelayError(
      'RELAY_PORTAL_ANSWER',
      `${this.origin} answered ${request} with something else than the agent protocol (${path.join('.')}: ${message})`,
    )
  }

  async #exchange(request: AgentRequest, body: string, signal: AbortSignal) {
    const { url, token, dispatchers, userAgent } = this.#parts
    const target = new URL(`${url}/agent/v1/${request}`)
    try {
      const answer = await dispatchers.to(target).request({
        origin: target.origin,
        path: target.pathname,
        method: 'POST',
        headers: {
          authorization: `Bearer ${token()}`,
          'content-type': 'application/json',
          'accept-encoding': 'gzip',
          'user-agent': userAgent,
          [agentProtocolHeader]: agentProtocols.join(', '),
        },
        body,
        signal,
      })
      const header = (name: string): string | undefined => {
        const text = answer.headers[name]
        return Array.isArray(text) ? text[0] : text
      }
      const chunks: Buffer[] = []
      let bytes = 0
      for await (const chunk of answer.body as AsyncIterable<Buffer>) {
        bytes += chunk.length
        if (bytes > bodyBytesMax) throw new RelayError('RELAY_PORTAL_ANSWER', `${this.origin} answered without end`)
        chunks.push(chunk)
      }
      return { status: answer.statusCode, header, value: await jsonOf(Buffer.concat(chunks), header) }
    } catch (error) {
      signal.throwIfAborted()
      throw error instanceof RelayError ? error : failureOf(error, this.origin)
    }
  }

  #refusal(status: number, header: (name: string) => string | undefined, value: unknown): RelayError {
    const { clock } = this.#parts
    const refusal = agentRefusalSchema.safeParse(value).data?.error
    const said = refusal === undefined ? '' : `: ${printable(refusal.message)}`
    const retryAfterMs = parseRetryAfter(header('retry-after'), parseHttpDate(header('date')), clock.nowMs())
    const options = retryAfterMs === undefined ? {} : { retryAfterMs }
    // Other servers and inspecting proxies answer 401, 409 and the like as well: only the portal's own words count.
    if (refusal?.code === 'unauthorized')
      return new RelayError('RELAY_AGENT_TOKEN', `Invalid token: ${this.origin} does not accept it`)
    if (refusal?.code === 'lease_held') return new StandBy('RELAY_AGENT_TROUBLE', printable(refusal.message), options)
    if (refusal?.code === 'lease_lost') return new LeaseLost('RELAY_AGENT_TROUBLE', printable(refusal.message), options)
    if (refusal?.code === 'unsupported_protocol')
      return new RelayError('RELAY_AGENT_PROTOCOL', `${this.origin} refused the agent protocol${said}`)
    if (status === 429 || status === 408 || status >= 500)
      return new RelayError('RELAY_PORTAL_UNREACHABLE', `${this.origin} answered ${status}${said}`, options)
    return new RelayError('RELAY_PORTAL_ANSWER', `${this.origin} answered ${status}${said}`, options)
  }
}

async function jsonOf(bytes: Buffer, header: (name: string) => string | undefined): Promise<unknown> {
  try {
    const isGzip = header('content-encoding') === 'gzip'
    const text = isGzip ? await gunzipped(bytes, { maxOutputLength: bodyBytesMax }) : bytes
    return JSON.parse(text.toString('utf8'))
  } catch {
    return undefined
  }
}

const tlsCode =
  /^(CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|ERR_TLS_CERT|ERR_SSL_|HOSTNAME_MISMATCH|INVALID_CA|ERR_TLS_)|^EPROTO$/

/** What went wrong on the way, without the token and without the password of a proxy. */
function failureOf(error: unknown, origin: string): RelayError {
  const cause = causeOf(error)
  const { code } = cause
  if (/Proxy response \((\d+)\)/.test(cause.message)) {
    const status = /\((\d+)\)/.exec(cause.message)?.[1]
    const why = status === '407' ? 'it asks for a user name and password' : `it answered ${status}`
    return new RelayError('RELAY_PORTAL_PROXY', `the proxy does not let this machine reach ${origin}: ${why}`)
  }
  if (code !== undefined && tlsCode.test(code))
    return new RelayError('RELAY_PORTAL_TLS', `the certificate of ${origin} cannot be trusted (${code})`)
  return new RelayError('RELAY_PORTAL_UNREACHABLE', `${origin} cannot be reached (${code ?? cause.name})`)
}

/** The innermost error with a code says what happened. */
function causeOf(error: unknown): { readonly name: string; readonly message: string; readonly code?: string } {
  let found = { name: 'Error', message: String(error) }
  let current: unknown = error
  for (let depth = 0; depth < 5 && current instanceof Error; depth++) {
    const code = 'code' in current && typeof current.code === 'string' ? current.code : undefined
    found = { name: current.name, message: current.message, ...(code === undefined ? {} : { code }) }
    if (/Proxy response/.test(found.message)) break
    current = current instanceof AggregateError ? current.errors[0] : current.cause
  }
  return found
}
