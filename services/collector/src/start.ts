/** The collector: one loop per source, one request budget per tenant. Sources go on without each other; only the loss of the
 *  log ends the service. */
import type { Running, World } from '@siem-relay/service-kit'
import type { CollectorConfig, SourceConfig } from './config.ts'
import type { Environment } from './http/proxy.ts'
import { createCollectorMetrics } from './metrics.ts'
import { openSource } from './sources/index.ts'
import type { Source, SourceStatus } from './sources/source.ts'
import { TenantGate } from './tenant-gate.ts'

export interface CollectorOptions {
  /** HTTPS_PROXY, HTTP_PROXY, NO_PROXY for sources without a proxy of their own. Default: none. */
  readonly env?: Environment
  /** The relay's version, for User-Agent. */
  readonly version?: string
}

export interface RunningCollector extends Running {
  /** One entry per source, in the order of the configuration. */
  status(): readonly SourceStatus[]
}

/**
 * Starts collecting and returns at once; what goes wrong with a source shows in `status`.
 * @throws {RelayError} `RELAY_CONFIG_INVALID` for settings that only show themselves wrong now, such as an unreadable file.
 */
export async function start(
  config: CollectorConfig,
  world: World,
  { env = {}, version = '0.0.0' }: CollectorOptions = {},
): Promise<RunningCollector> {
  const gates = createGates(config.sources, world)
  const metrics = createCollectorMetrics(world.metrics)
  const sources = config.sources.map((source) => {
    const gate = gates.get(source.tenant ?? source.id) as TenantGate
    return openSource(source, { world, metrics, gate, env, userAgent: `siem-relay/${version}` })
  })
  const unregister = sources.map((source) =>
    world.health.register(`collector/${source.id}`, () => unreadyReason(source)),
  )
  const stopping = new AbortController()
  const runs = sources.map((source) => source.run(stopping.signal))
  const failed = new Promise<never>((_, reject) => {
    for (const [index, run] of runs.entries())
      run.catch((error: unknown) => {
        world.log.error({ source: sources[index]?.id, err: error }, 'source cannot go on')
        reject(error)
      })
  })
  // Whoever runs the service decides what a failure means; without anybody it must not end the process by itself.
  failed.catch(() => undefined)

  async function stop(drainMs: number): Promise<void> {
    stopping.abort(new Error('the collector stops'))
    for (const remove of unregister.splice(0)) remove()
    const waiting = new AbortController()
    const tooLate = world.clock.sleep(drainMs, waiting.signal).catch(() => undefined)
    await Promise.race([Promise.allSettled(runs), tooLate])
    waiting.abort()
  }

  return {
    failed,
    stop,
    status: () => sources.map((source) => source.status()),
    [Symbol.asyncDispose]: () => stop(8_000),
  }
}

/** Sources of one tenant share its budget; if they disagree about it, the smallest counts. */
function createGates(sources: readonly SourceConfig[], world: World): Map<string, TenantGate> {
  const budgets = new Map<string, number>()
  for (const source of sources) {
    const tenant = source.tenant ?? source.id
    budgets.set(tenant, Math.min(budgets.get(tenant) ?? Number.POSITIVE_INFINITY, source.requestsPerMinute))
  }
  return new Map(
    Array.from(budgets, ([tenant, requestsPerMinute]) => [
      tenant,
      new TenantGate({ requestsPerMinute, clock: world.clock, random: world.random }),
    ]),
  )
}

/** Ready from the first successful request on; what fails later is for status and metrics. */
function unreadyReason(source: Source): string | undefined {
  const { streams, lastError } = source.status()
  if (streams.some((stream) => stream.hasSucceeded)) return undefined
  return lastError === undefined ? 'no request has succeeded yet' : `no request has succeeded yet: ${lastError.message}`
}
