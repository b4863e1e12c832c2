/** An agent's Azure, asked by a person who wants to know what is wrong: the same way, identity and requests its rows take, one at a
 *  time, without a log. What the answers mean for a person is the doctor's. */
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { type Clock, type EventKind, rawKindOf, type SentinelDestination } from '@siem-relay/common'
import { chooseProxy, createDispatchers, type Environment, parseHttpDate } from '@siem-relay/http'
import { request } from 'undici'
import { type UploadResult, upload } from './client.ts'
import { createTokens } from './tokens.ts'

const compress = promisify(gzip)
const timeoutMs = 30_000

export interface Reached {
  readonly status: number
  /** What the other side's clock says. */
  readonly dateMs: number | undefined
}

export interface Probe extends AsyncDisposable {
  /** The proxy a request to this address takes. */
  proxyTo(url: URL): URL | undefined
  /** Any answer will do. @throws what kept it from coming. */
  reach(url: URL): Promise<Reached>
  /** @throws {RelayError} as the sender's tokens do. */
  token(): Promise<string>
  /** One request, tried once. */
  upload(kind: EventKind, rows: readonly object[], token: string): Promise<UploadResult>
}

export interface ProbeOptions {
  readonly clock: Clock
  readonly env: Environment
  readonly userAgent: string
}

/** @throws {RelayError} `RELAY_CONFIG_INVALID` for an unreadable caFile or a malformed proxy. */
export function openProbe(destination: SentinelDestination, { clock, env, userAgent }: ProbeOptions): Probe {
  const { endpoint, ruleId, streams, proxy, caFile } = destination
  const dispatchers = createDispatchers({ proxy, caFile, env, timeoutMs })
  const tokens = createTokens(destination, { clock, env })
  return {
    proxyTo: (url) => chooseProxy(url, proxy, env),
    async reach(url) {
      const { statusCode, headers, body } = await request(url, {
        dispatcher: dispatchers.to(url),
        headers: { 'user-agent': userAgent },
        signal: AbortSignal.timeout(timeoutMs),
      })
      await body.dump()
      return { status: statusCode, dateMs: parseHttpDate([headers.date].flat()[0]) }
    },
    token: () => tokens.get(AbortSignal.timeout(timeoutMs)),
    upload: async (kind, rows, token) =>
      upload({
        dispatcher: dispatchers.to(new URL(endpoint)),
        clock,
        endpoint,
        ruleId,
        stream: streams[rawKindOf[kind]],
        token,
        body: await compress(JSON.stringify(rows)),
        timeoutMs,
        userAgent,
        signal: new AbortController().signal,
      }),
    [Symbol.asyncDispose]: () => dispatchers[Symbol.asyncDispose](),
  }
}
