/** Composition: the services in one process on the embedded log. The same start functions run alone on another bus; what
 *  differs is what is passed in. */

import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import type { Writable } from 'node:stream'
import { openSqliteBus, type SqliteBusEvent } from '@siem-relay/bus'
import { start as startCollector } from '@siem-relay/collector'
import { start as startFormatter } from '@siem-relay/formatter'
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
import { start as startSyslogSender } from '@siem-relay/syslog-sender'
import { observeBus } from './bus-metrics.ts'
import { createReloadMetrics } from './config/reload-metrics.ts'
import { type RelayConfig, tenantsOf } from './config/schema.ts'
import { version } from './version.ts'

export const serviceNames = ['collector', 'formatter', 'syslog-sender'] as const
export type ServiceName = (typeof serviceNames)[number]

export interface RelayOptions {
  readonly config: RelayConfig
  readonly services: readonly ServiceName[]
  readonly log: World['log']
  /** Where agents with `console: true` write. */
  readonly stdout: Writable
  readonly env: Readonly<Record<string, string | undefined>>
}

export interface Relay extends Running {
  readonly adminUrl: string
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
const settledSections = ['bus', 'admin', 'log'] as const

/**
 * Starts the named services, readers first, then the spring; stops them in the opposite order, the log last.
 * @throws {RelayError} `RELAY_LISTEN_FAILED`, `RELAY_LOG_…` before anything has run.
 */
export async function startRelay({ config, services, log, stdout, env }: RelayOptions): Promise<Relay> {
  await using starting = new AsyncDisposableStack()
  const metrics = createMetrics({ version })
  const health = createHealth()
  const admin = await startAdmin({ listen: parseListen(config.admin.listen), health, metrics })
  starting.defer(() => admin.close())
  const bus = starting.use(
    await openSqliteBus({
      path: config.bus.path,
      clock: systemClock,
      ...(config.bus.freeBytesMin === undefined ? {} : { freeBytesMin: config.bus.freeBytesMin }),
      retention: config.bus.bytesMax === undefined ? {} : { bytesMax: config.bus.bytesMax },
      onEvent: (event) => logBusEvent(log, event),
    }),
  )
  createReloadMetrics(metrics)
  let inForce = config
  starting.defer(observeBus(bus, () => inForce, { metrics, health, clock: systemClock }))
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
  const starts: Readonly<Record<ServiceName, () => Promise<Service>>> = {
    'syslog-sender': () =>
      startPart(
        config,
        ({ agents }) => ({ agents }),
        (part) => startSyslogSender(part, world, { stdout }),
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
        (part) => startCollector(part, world, { env, version }),
      ),
  }
  const order = (['syslog-sender', 'formatter', 'collector'] as const).filter((name) => services.includes(name))
  const running: Service[] = []
  for (const name of order) running.push(starting.use(await starts[name]()))
  const closing = starting.move()
  return {
    adminUrl: admin.url,
    metrics,
    failed: Promise.race(running.map((service) => service.failed)),
    update: async (next) => {
      for (const service of running) service.check(next)
      // Readers first, as at the start.
      for (const service of running) await service.update(next)
      inForce = next
      const settled = settledSections.filter((section) => !isSameConfig(config[section], next[section]))
      if (settled.length > 0) log.warn({ settings: settled }, 'changed settings take effect at the next start')
    },
    stop: async (drainMs) => {
      // Intake first; the sender last, so that what is on its way out is confirmed and does not go out again.
      for (const service of running.toReversed()) await service.stop(drainMs)
      await closing.disposeAsync()
    },
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  }
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

function logBusEvent(log: World['log'], event: SqliteBusEvent): void {
  const { kind, ...fields } = event
  const text = {
    'intake-closed': 'disk is nearly full; sources are not polled until space is free',
    'intake-opened': 'disk space is free again; sources are polled',
    'corruption-found': 'the log holds damaged records; they are kept in dead-letters',
    'value-corrupt': 'the log holds a damaged value; it was set aside',
    'retention-removed': 'old delivered records were removed',
    'records-expired': 'records expired before a group had read them',
    'retention-failed': 'old records could not be removed; tried again later',
  }[kind]
  if (kind === 'retention-removed' || kind === 'intake-opened') log.info(fields, text)
  else log.error(fields, text)
}
