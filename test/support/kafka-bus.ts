/** A log on a test's broker, under a prefix of its own. */
import { type KafkaBusOptions, openKafkaBus } from '@siem-relay/bus'
import { systemClock } from '@siem-relay/service-kit'

export function kafkaOptions(brokers: readonly string[], prefix: string): KafkaBusOptions {
  return {
    brokers,
    prefix,
    clientId: 'test',
    compression: 'zstd',
    createTopics: true,
    replication: 1,
    minInsyncReplicas: 1,
    sessionTimeoutMs: 6_000,
    connectTimeoutMs: 5_000,
    requestTimeoutMs: 15_000,
    transactionTimeoutMs: 60_000,
    clock: systemClock,
    random: Math.random,
  }
}

export const openTestBus = (broker: string, prefix: string) => openKafkaBus(kafkaOptions([broker], prefix))
