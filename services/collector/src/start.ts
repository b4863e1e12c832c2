/** The collector: tenants are shared out among its instances, each with its sources and the request budget they have in
 *  common. Sources go on without each other; only the loss of the log ends the service. */
import type { Worker } from '@siem-relay/bus'
import { collectorGroup, describeError, type SourceReport, tenantShareTopic } from '@siem-relay/common'
import type { Environment } from '@siem-relay/http'
import type { Reconfigurable, World } from '@siem-relay/service-kit'
import type { CollectorConfig, SourceConfig } from './config.ts'
import { createCollectorMetrics } from './metrics.ts'
import { SourceReports } from './source-reports.ts'
import { openSource } from './sources/index.ts'
import type { Source, SourceStatus } from './sources/source.ts'
import { type Gates, openGates, Tenant } from './tenant.ts'

export interface CollectorOptions {
  /** HTTPS_PROXY, HTTP_PROXY, NO_PROXY for sources without a proxy of their own. Default: none. */
  readonly env?: Environment
  /** The relay's version, for User-Agent. */
  readonly version?: string
}

export interface RunningCollector extends Reconfigurable<CollectorConfig> {
  /** One entry per source that this instance polls, in the order of the configuration. */
  status(): readonly SourceStatus[]
  /** The same as it is told to the log. */
  reports(): readonly SourceReport[]
}

/** Tenants that came with one configuration, on one worker: those of an earlier one are not disturbed by it. */
interface Share {
  readonly tenants: readonly Tenant[]
  readonly worker: Worker
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
  const metrics = createCollectorMetrics(world.metrics)
  const tenants = new Map<string, Tenant>()
  let shares: readonly Share[] = []
  let order: readonly string[] = []
  const reports = new SourceReports(world, status)
  const { promise: failed, reject: fail } = Promise.withResolvers<never>()
  // Whoever runs the service decides what a failure means; without anybody it must not end the process by itself.
  failed.catch(() => undefined)

  function open(source: SourceConfig, gates: Gates): Source {
    return openSource(source, { world, metrics, env, userAgent: `siem-relay/${version}` }, gates)
  }

  function check({ sources }: CollectorConfig): void {
    const gates = openGates([], world)
    for (const source of sources) open(source, gates)
  }

  async function update(next: CollectorConfig): Promise<void> {
    check(next)
    const sourcesOf = Map.groupBy(next.sources, (source) => source.tenant ?? source.id)
    const wanted = (tenant: Tenant): readonly SourceConfig[] => sourcesOf.get(tenant.name) ?? []
    // A source may change its tenant: it stops in one before it starts in the other.
    await Promise.all(Array.from(tenants.values(), (tenant) => tenant.drop(wanted(tenant))))
    const added = Array.from(sourcesOf)
      .filter(([name]) => !tenants.has(name))
      .map(([name, sources]) => new Tenant(name, sources, { world, metrics, open, onFailed: fail }))
    for (const tenant of added) tenants.set(tenant.name, tenant)
    await Promise.all(Array.from(tenants.values(), (tenant) => tenant.take(wanted(tenant))))
    order = next.sources.map(({ id }) => id)
    reports.configured(next.sources)
    if (added.length > 0) shares = [...shares, share(added)]
    await endEmpty()
  }

  function share(added: readonly Tenant[]): Share {
    const byTopic = new Map(added.map((tenant) => [tenantShareTopic(tenant.name).name, tenant]))
    const worker = world.bus.share({
      group: collectorGroup,
      topics: added.map(({ name }) => tenantShareTopic(name)),
      hold: (topic) => (byTopic.get(topic) as Tenant).hold(),
      onError: (error) => world.log.warn({ error: describeError(error) }, 'sharing out tenants was interrupted'),
    })
    worker.failed.catch(fail)
    return { tenants: added, worker }
  }

  async function endEmpty(): Promise<void> {
    const empty = shares.filter((each) => each.tenants.every((tenant) => tenant.isEmpty))
    shares = shares.filter((each) => !empty.includes(each))
    for (const { name } of empty.flatMap((each) => each.tenants)) tenants.delete(name)
    await Promise.all(empty.map(({ worker }) => worker.stop()))
  }

  async function stop(drainMs: number): Promise<void> {
    const waiting = new AbortController()
    const tooLate = world.clock.sleep(drainMs, waiting.signal).catch(() => undefined)
    await Promise.race([Promise.allSettled([reports.stop(), ...shares.map(({ worker }) => worker.stop())]), tooLate])
    waiting.abort()
  }

  function status(): readonly SourceStatus[] {
    return Array.from(tenants.values(), (tenant) => tenant.running)
      .flat()
      .toSorted((left, right) => order.indexOf(left.id) - order.indexOf(right.id))
      .map((run) => run.status())
  }

  await update(config)
  reports.start()
  return {
    failed,
    check,
    update,
    stop,
    status,
    reports: () => reports.reports(),
    [Symbol.asyncDispose]: () => stop(8_000),
  }
}
