/** Composition: the services in one process on the embedded log. The same start functions run alone on another bus; what
 *  differs is what is passed in. */

import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import type { Writable } from 'node:stream'
import type { SqliteBusEvent } from '@siem-relay/bus'
import { start as startCollector } from '@siem-relay/collector'
import { start as startFormatter } from '@siem-relay/formatter'
import {
  createHealth,
  createMetrics,
  parseListen,
  type Running,
  startAdmin,
  systemClock,
  type World,
} from '@siem-relay/service-kit'
import { start as startSyslogSender } from '@siem-relay/syslog-sender'
import { observeBus } from './bus-metrics.ts'
import { type RelayConfig, tenantsOf } from './config/schema.ts'
import { LocalControl } from './control/local.ts'
import { serveControl } from './control/server.ts'
import { exclusiveDirectoryOf, openBus } from './open-bus.ts'
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
}

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
  const bus = starting.use(await openBus(config, { clock: systemClock, onEvent: (event) => logBusEvent(log, event) }))
  starting.defer(observeBus(bus, config, { metrics, health, clock: systemClock }))
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
  const starts: Readonly<Record<ServiceName, () => Promise<Running>>> = {
    'syslog-sender': () => startSyslogSender({ agents: config.agents }, world, { stdout }),
    formatter: () => startFormatter({ agents: config.agents, tenants: tenantsOf(config.sources), version }, world),
    collector: () => startCollector({ sources: config.sources }, world, { env, version }),
  }
  const order = (['syslog-sender', 'formatter', 'collector'] as const).filter((name) => services.includes(name))
  const running: Running[] = []
  for (const name of order) running.push(starting.use(await starts[name]()))
  const directory = exclusiveDirectoryOf(config)
  if (directory !== undefined) {
    const control = await serveControl(
      new LocalControl({ bus, clock: systemClock, config: () => config }),
      directory,
      log,
    )
    starting.defer(() => control.close())
  }
  const closing = starting.move()
  return {
    adminUrl: admin.url,
    metrics,
    failed: Promise.race(running.map((service) => service.failed)),
    stop: async (drainMs) => {
      // Intake first; the sender last, so that what is on its way out is confirmed and does not go out again.
      for (const service of running.toReversed()) await service.stop(drainMs)
      await closing.disposeAsync()
    },
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
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
