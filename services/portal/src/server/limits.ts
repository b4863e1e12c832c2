/** What a server takes: Fastify's own defaults are no timeout at all (its docs, Server.md). */
import type { FastifyRequest } from 'fastify'

export const bodyBytesMax = 1_048_576

export const limits = {
  /** Headers and body have to be here by then. */
  requestTimeoutMs: 15_000,
  headersTimeoutMs: 10_000,
  /** Node looks at both so often; its default is 30 s. */
  checkEveryMs: 1_000,
  /** A socket on which nothing moves. */
  connectionTimeoutMs: 20_000,
  keepAliveTimeoutMs: 5_000,
  requestsPerSocketMax: 1_000,
  connectionsMax: 1_000,
  headerBytesMax: 16_384,
  paramLengthMax: 300,
} as const

/** For an answer that takes long on purpose: a stream of events, a long poll. */
export function keepOpen(request: FastifyRequest): void {
  request.raw.socket.setTimeout(0)
}
