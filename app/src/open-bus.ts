/** The log of a configuration, opened: the one place that knows which kinds there are. */
import { openSqliteBus, type SqliteBus, type SqliteBusEvent } from '@siem-relay/bus'
import type { Clock } from '@siem-relay/common'
import type { RelayConfig } from './config/schema.ts'

export interface OpenBusOptions {
  readonly clock: Clock
  readonly onEvent?: (event: SqliteBusEvent) => void
}

/** @throws {RelayError} `RELAY_LOG_LOCKED`, `RELAY_LOG_SCHEMA`, `RELAY_LOG_UNUSABLE` */
export function openBus({ bus }: Pick<RelayConfig, 'bus'>, { clock, onEvent }: OpenBusOptions): Promise<SqliteBus> {
  return openSqliteBus({
    path: bus.path,
    clock,
    ...(bus.freeBytesMin === undefined ? {} : { freeBytesMin: bus.freeBytesMin }),
    retention: bus.bytesMax === undefined ? {} : { bytesMax: bus.bytesMax },
    ...(onEvent === undefined ? {} : { onEvent }),
  })
}

/** The directory that one process at a time may have open; undefined for a log that several open. */
export function exclusiveDirectoryOf({ bus }: Pick<RelayConfig, 'bus'>): string | undefined {
  return bus.path
}
