/** The log of a configuration, opened: the one place that knows which kinds there are. */
import {
  type KafkaBus,
  type KafkaBusEvent,
  openKafkaBus,
  openSqliteBus,
  type SqliteBus,
  type SqliteBusEvent,
} from '@siem-relay/bus'
import type { Clock } from '@siem-relay/common'
import type { RelayConfig } from './config/schema.ts'
import { kafkaOptionsOf } from './kafka-options.ts'

export type BusEvent = SqliteBusEvent | KafkaBusEvent

export interface OpenBusOptions {
  readonly clock: Clock
  readonly random: () => number
  readonly onEvent?: (event: BusEvent) => void
  /** Told how long every commit took, in seconds. */
  readonly onCommit?: (seconds: number) => void
  /** Ends the wait for a cluster that cannot be reached. Default: it is waited for. */
  readonly signal?: AbortSignal | undefined
}

export type OpenedBus =
  | { readonly kind: 'sqlite'; readonly bus: SqliteBus }
  | { readonly kind: 'kafka'; readonly bus: KafkaBus }

/** @throws {RelayError} `RELAY_LOG_LOCKED`, `RELAY_LOG_SCHEMA`, `RELAY_LOG_UNUSABLE`; `RELAY_BUS_AUTH`, `RELAY_BUS_TLS`, `RELAY_BUS_RIGHTS`, `RELAY_BUS_VERSION` */
export async function openBus(
  { bus }: Pick<RelayConfig, 'bus'>,
  { clock, random, onEvent, onCommit, signal }: OpenBusOptions,
): Promise<OpenedBus> {
  const told = { ...(onEvent && { onEvent }), ...(onCommit && { onCommit }) }
  if (bus.type === 'kafka')
    return { kind: 'kafka', bus: await openKafkaBus({ ...kafkaOptionsOf(bus), clock, random, ...told }, signal) }
  const options = {
    path: bus.path,
    clock,
    random,
    ...(bus.freeBytesMin === undefined ? {} : { freeBytesMin: bus.freeBytesMin }),
    retention: bus.bytesMax === undefined ? {} : { bytesMax: bus.bytesMax },
    ...told,
  }
  return { kind: 'sqlite', bus: await openSqliteBus(options) }
}

/** The directory that one process at a time may have open; undefined for a log that several open. */
export function exclusiveDirectoryOf({ bus }: Pick<RelayConfig, 'bus'>): string | undefined {
  return bus.type === 'sqlite' ? bus.path : undefined
}
