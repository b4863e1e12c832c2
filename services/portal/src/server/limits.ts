/** What a server takes: Fastify's own defaults are no timeout at all (its docs, Server.md). */
import type { FastifyRequest } from 'fastify'

export const bodyBytesMax = 1_048_576

export interface Limits {
  /** Headers and body have to be here by then. */
  readonly requestTimeoutMs: number
  readonly headersTimeoutMs: number
  /** Node looks at both so often; its default is 30 s. */
  readonly checkEveryMs: number
  /** A socket on which nothing moves. */
  readonly connectionTimeoutMs: number
  readonly keepAliveTimeoutMs: number
  readonly connectionsMax: number
  readonly headerBytesMax: number
  readonly paramLengthMax: number
}

export const limitsDefault: Limits = {
  requestTimeoutMs: 15_000,
  headersTimeoutMs: 10_000,
  checkEveryMs: 1_000,
  connectionTimeoutMs: 20_000,
  keepAliveTimeoutMs: 5_000,
  connectionsMax: 1_000,
  headerBytesMax: 16_384,
  paramLengthMax: 300,
}

/** For an answer that takes long on purpose: a stream of events, a long poll. */
export function keepOpen(request: FastifyRequest): void {
  request.raw.socket.setTimeout(0)
}
