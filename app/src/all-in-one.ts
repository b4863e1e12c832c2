/** Composition: services in one process, all of them on the embedded log or some of them on a cluster's. The same start functions
 *  run; what differs is what is passed in. */

import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { Writable } from 'node:stream'
import { start as startCollector } from '@siem-relay/collector'
import { type SourceReport, tenantsOf } from '@siem-relay/common'
import { LocalControl } from '@siem-relay/control'
import { start as startFormatter } from '@siem-relay/formatter'
import { type PortalConfig, type RunningPortal, start as startPortal } from '@siem-relay/portal'
import { start as startSentinelSender } from '@siem-relay/sentinel-sender'
import {
  createHealth,
  createMetrics,
  isSameConfig,
  parseListen,
  type Reconfigurable,
  type Running,
  startAdmin,
  systemClock,
  type World,
} from '@siem-relay/service-kit'
import { sendTestMessage, start as startSyslogSender } from '@siem-relay/syslog-sender'
import { Following } from './agents/following.ts'
import { TopicAgents } from './agents/topic-agents.ts'
import { busEvents } from './bus-events.ts'
import { commitTimes, observeBus } from './bus-metrics.ts'
import { createReloadMetrics } from './config/reload-metrics.ts'
import type { RelayConfig } from './config/schema.ts'
import { serveControl } from './control/server.ts'
import { exclusiveDirectoryOf, openBus } from './open-bus.ts'
import { version } from './version.ts'

export const serviceNames = ['collector', 'formatter', 'syslog-sender', 'sentinel-sender', 'portal'] as const
export type ServiceName = (typeof serviceNames)[number]

export interface RelayOptions {
  readonly config: RelayConfig
  readonly services: readonly ServiceName[]
  readonly log: World['log']
  /** Where agents with `console: true` write. */
  readonly stdout: Writable
  readonly env: Readonly<Record<string, string | undefined>>
  /** Ends the wait for a cluster that cannot be reached. */
  readonly signal?: AbortSignal
}

export interface Relay extends Running {
  readonly adminUrl: string
  /** Where the portal is, and the link that makes its first account; undefined when it does not run here. */
  readonly portal: Pick<RunningPortal, 'url' | 'setUpLink'> | undefined
  /** Every metric of the process. */
  readonly metrics: World['metrics']
  /**
   * Takes up another configuration; what it does not concern is not disturbed. One call at a time.
   * @throws {RelayError} `RELAY_CONFIG_INVALID`: nothing changed; others: the same call may be made again.
   */
  update(config: RelayConfig): Promise<void>
}

/** A service that takes its part of the configuration. */
type Service = Reconfigurable<RelayConfig>

/** Parts of the configuration that are settled at the start. */
const settledSections = ['bus', 'admin', 'portal', 'log'] as const

/**
 * Starts the named services, readers first, then the spring; stops them in the opposite order, the log last.
 * @throws {RelayError} `RELAY_LISTEN_FAILED`, `RELAY_LOG_…` before anything has run.
 */
export async function startRelay({ config, services, log, stdout, env, signal }: RelayOptions): Promise<Relay> {
  await using starting = new AsyncDisposableStack()
  const metrics = createMetrics({ version, revision: env.IMAGE_REVISION })
  const health = createHealth()
  // The log may have to be waited for: until everything runs, nothing is ready.
  const isStarted = health.register('relay', () => 'starting')
  const admin = await startAdmin({ listen: parseListen(config.admin.listen), health, metrics })
  starting.defer(() => admin.close())
  const events = busEvents(log, metrics)
  const onCommit = commitTimes(metrics)
  const opened = await openBus(config, { clock: systemClock, random: Math.random, onEvent: events, onCommit, signal })
  const bus = starting.use(opened.bus)
  createReloadMetrics(metrics)
  let following: Following | undefined
  const inForce = (): RelayConfig => following?.inForce ?? config
  starting.defer(observeBus(opened, inForce, { metrics, health, clock: systemClock }))
  const world: World = {
    bus,
    clock: systemClock,
    random: Math.random,
    log,
    metrics,
    health,
    hostName: hostname(),
    instanceId: randomUUID(),
  }
  let ownSources: () => readonly SourceReport[] = () => []
  const starts: Readonly<Record<Exclude<ServiceName, 'portal'>, () => Promise<Service>>> = {
    'syslog-sender': () =>
      startPart(
        config,
        ({ agents }) => ({ agents }),
        (part) => startSyslogSender(part, world, { stdout }),
      ),
    'sentinel-sender': () =>
      startPart(
        config,
        ({ agents }) => ({ agents }),
        (part) => startSentinelSender(part, world, { env, version }),
      ),
    formatter: () =>
      startPart(
        config,
        ({ agents, sources }) => ({ agents, tenants: tenantsOf(sources), version }),
        (part) => startFormatter(part, world),
      ),
    collector: () =>
      startPart(
        config,
        ({ sources }) => ({ sources }),
        async (part) => {
          const collector = await startCollector(part, world, { env, version })
          ownSources = () => collector.reports()
          return collector
        },
      ),
  }
  const order = (['sentinel-sender', 'syslog-sender', 'formatter', 'collector'] as const).filter((name) =>
    services.includes(name),
  )
  const running: Service[] = []
  for (const name of order) running.push(starting.use(await starts[name]()))
  // Readers first, as at the start.
  const agents = starting.use(await TopicAgents.open(bus, log))
  const followed = new Following({ config, services: running, agents, clock: systemClock, log })
  following = starting.use(followed)
  await followed.begin()
  const control = new LocalControl({
    bus,
    clock: systemClock,
    config: inForce,
    version,
    hostName: world.hostName,
    ownSources: () => ownSources(),
    ownMetrics: () => metrics.metrics(),
  })
  const directory = exclusiveDirectoryOf(config)
  if (directory !== undefined) {
    const server = await serveControl(control, directory, log)
    starting.defer(() => server.close())
  }
  const portal =
    services.includes('portal') && config.portal.enabled
      ? starting.use(
          await startPortal(portalConfigOf(config), world, {
            control,
            fileAgents: () => followed.fileAgents,
            sources: () => inForce().sources,
            version,
            env,
            testMessage: (agent, refuses) => sendTestMessage(agent, { world, version, refuses }),
          }),
        )
      : undefined
  isStarted()
  const closing = starting.move()
  return {
    adminUrl: admin.url,
    portal,
    metrics,
    failed: Promise.race([...running, ...(portal === undefined ? [] : [portal])].map((service) => service.failed)),
    update: async (next) => {
      await followed.update(next)
      const settled = settledSections.filter((section) => !isSameConfig(config[section], next[section]))
      if (settled.length > 0) log.warn({ settings: settled }, 'changed settings take effect at the next start')
    },
    stop: async (drainMs) => {
      await portal?.stop(drainMs)
      await followed[Symbol.asyncDispose]()
      // Intake first; the sender last, so that what is on its way out is confirmed and does not go out again.
      for (const service of running.toReversed()) await service.stop(drainMs)
      await closing.disposeAsync()
    },
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  }
}

/** Beside the embedded log, so that one directory holds everything that is kept. */
function portalConfigOf(config: RelayConfig): PortalConfig {
  const beside = join(exclusiveDirectoryOf(config) ?? 'data', 'portal')
  return { ...config.portal, data: config.portal.data ?? beside }
}

/** Starts a service with its part of the configuration, and gives it its part of every later one. */
async function startPart<Part>(
  config: RelayConfig,
  partOf: (config: RelayConfig) => Part,
  start: (part: Part) => Promise<Reconfigurable<Part>>,
): Promise<Service> {
  const service = await start(partOf(config))
  return {
    failed: service.failed,
    stop: (drainMs) => service.stop(drainMs),
    check: (next) => service.check(partOf(next)),
    update: (next) => service.update(partOf(next)),
    [Symbol.asyncDispose]: () => service[Symbol.asyncDispose](),
  }
}
