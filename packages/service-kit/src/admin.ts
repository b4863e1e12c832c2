/** The endpoint for probes and Prometheus: `/livez`, `/readyz`, `/healthz`, `/metrics`. Read-only, no authentication, loopback
 *  unless configured otherwise. What is ready is for the registered checks to say (health.ts). */
import type { Clock } from '@siem-relay/common'
import { type FastifyInstance, fastify } from 'fastify'
import type { Registry } from 'prom-client'
import { systemClock } from './clock.ts'
import type { Health, HealthReport } from './health.ts'
import { formatListen, type Listen, listenError, parseListen } from './listen.ts'

export interface AdminOptions {
  /** `127.0.0.1:9464`, `[::1]:9464`; port 0 takes a free one. */
  readonly listen: string | Listen
  readonly health: Pick<Health, 'report'>
  readonly metrics: Registry
  readonly clock?: Clock
}

export interface Admin {
  /** With the port in force, such as `http://127.0.0.1:9464`. */
  readonly url: string
  close(): Promise<void>
}

const tickMs = 1_000
const tickMissingMsMax = 60_000
/** Fastify's own defaults are no timeout at all (its docs, Server.md). Probes and scrapes are small and come from few. */
const limits = {
  requestTimeout: 15_000,
  connectionTimeout: 20_000,
  keepAliveTimeout: 5_000,
  headersTimeout: 10_000,
  maxRequestsPerSocket: 1_000,
  maxConnections: 100,
  bodyLimit: 1_024,
}

/** @throws {RelayError} `RELAY_CONFIG_INVALID` for an address that is none, `RELAY_LISTEN_FAILED` when it cannot be taken. */
export async function startAdmin({ listen, health, metrics, clock = systemClock }: AdminOptions): Promise<Admin> {
  const address = typeof listen === 'string' ? parseListen(listen) : listen
  const { headersTimeout, maxConnections, ...settings } = limits
  const server = fastify({ ...settings, logger: false, forceCloseConnections: true })
  server.server.headersTimeout = headersTimeout
  server.server.maxConnections = maxConnections
  const loop = watchLoop(clock)
  addRoutes(server, health, metrics, loop.isAlive)
  try {
    await server.listen(address)
  } catch (cause) {
    loop.stop()
    throw listenError(address, cause)
  }
  const bound = server.server.address()
  const port = typeof bound === 'object' && bound !== null ? bound.port : address.port
  return {
    url: `http://${formatListen({ host: address.host, port })}`,
    close: async () => {
      loop.stop()
      await server.close()
    },
  }
}

function addRoutes(
  server: FastifyInstance,
  health: Pick<Health, 'report'>,
  metrics: Registry,
  isAlive: () => boolean,
): void {
  server.addHook('onSend', async (_request, reply) => {
    reply.header('x-content-type-options', 'nosniff').header('cache-control', 'no-store')
  })
  server.get('/livez', (_request, reply) => {
    const alive = isAlive()
    return reply
      .code(alive ? 200 : 503)
      .type('text/plain')
      .send(alive ? 'ok\n' : 'no turn of the event loop for 60 s\n')
  })
  for (const path of ['/readyz', '/healthz'])
    server.get<{ Querystring: { readonly verbose?: string } }>(path, (request, reply) => {
      const report = health.report()
      reply.code(report.isReady ? 200 : 503)
      if (request.headers.accept?.includes('application/json') === true)
        return reply.send({
          ready: report.isReady,
          checks: report.checks.map(({ name, reason }) => ({ name, ready: reason === undefined, reason })),
        })
      return reply.type('text/plain').send(textOf(report, request.query.verbose !== undefined))
    })
  server.get('/metrics', async (_request, reply) => reply.type(metrics.contentType).send(await metrics.metrics()))
}

/** Failing checks, or all; one line each whatever their reasons contain. */
function textOf({ isReady, checks }: HealthReport, isVerbose: boolean): string {
  const lines = checks
    .filter(({ reason }) => isVerbose || reason !== undefined)
    .map(({ name, reason }) => (reason === undefined ? `[+] ${name}: ready` : `[-] ${name}: ${reason}`))
    .map((line) => line.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, ' '))
  return [...lines, isReady ? 'ready' : 'not ready', ''].join('\n')
}

/** Alive means that the event loop turns, not that HTTP answers: timers must have run within the last minute. */
function watchLoop(clock: Clock): { isAlive(): boolean; stop(): void } {
  let lastTickMs = clock.monotonicMs()
  let cancel: () => void
  const tick = (): void => {
    lastTickMs = clock.monotonicMs()
    cancel = clock.after(tickMs, tick)
  }
  tick()
  return {
    isAlive: () => clock.monotonicMs() - lastTickMs < tickMissingMsMax,
    stop: () => cancel(),
  }
}
