/** The log as a command opens it: somebody waits for an answer, so a cluster that cannot be reached is not waited for. */
import { RelayError } from '@siem-relay/common'
import { systemClock } from '@siem-relay/service-kit'
import type { RelayConfig } from './config/schema.ts'
import { type OpenedBus, openBus } from './open-bus.ts'

const reachMs = 10_000

/** @throws {RelayError} `RELAY_BUS_UNREACHABLE` after about ten seconds; others as `openBus`. */
export async function openForCommand(
  config: Pick<RelayConfig, 'bus'>,
  signal: AbortSignal = AbortSignal.timeout(reachMs),
): Promise<OpenedBus> {
  try {
    return await openBus(config, { clock: systemClock, random: Math.random, signal })
  } catch (cause) {
    if (!(cause instanceof RelayError) || cause.code !== 'RELAY_BUS_UNREACHABLE') throw cause
    const brokers = config.bus.brokers?.join(', ')
    throw new RelayError('RELAY_BUS_UNREACHABLE', `no broker of ${brokers} answers; the command gave up`, { cause })
  }
}
