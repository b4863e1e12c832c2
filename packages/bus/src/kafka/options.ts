/** What a log on Apache Kafka is opened with, and what it tells while it runs. */
import type { Clock } from '@siem-relay/common'
import type { SaslOptions, TlsOptions } from './driver.ts'
import type { Compression } from './wire/compression.ts'

export interface KafkaBusOptions {
  /** `host:port` of some brokers; the others are learned from them. */
  readonly brokers: readonly string[]
  readonly clientId: string
  /** Before every topic, group and transactional id: keeps installations on one cluster apart. */
  readonly prefix: string
  readonly tls?: TlsOptions
  readonly sasl?: SaslOptions
  readonly compression: Compression
  /** Copies of every partition of topics that are created here; default: the broker's. */
  readonly replication?: number
  /** `min.insync.replicas` of topics that are created here; default: the broker's. */
  readonly minInsyncReplicas?: number
  /** Whether topics that are missing are created. */
  readonly createTopics: boolean
  /** A member that is silent for this long loses its partitions to the others. */
  readonly sessionTimeoutMs: number
  readonly connectTimeoutMs: number
  readonly requestTimeoutMs: number
  /** An open transaction holds back every reader of its topics for this long at most. */
  readonly transactionTimeoutMs: number
  readonly clock: Clock
  /** Jitter of the back-off, 0 to 1. */
  readonly random: () => number
  /** Told how long every committed transaction took, in seconds; must not throw. */
  readonly onCommit?: (seconds: number) => void
  /** Told of what an operator should see; must not throw. */
  readonly onEvent?: (event: KafkaBusEvent) => void
}

export type KafkaBusEvent =
  /** A group found its next records removed by retention while it was away: it lost these at most. */
  | {
      readonly kind: 'records-expired'
      readonly group: string
      readonly topic: string
      readonly partition: number
      readonly records: number
    }
  | { readonly kind: 'partitions-assigned'; readonly group: string; readonly partitions: number }
  /** A worker has stopped: it has no part in the group any more. */
  | { readonly kind: 'partitions-released'; readonly group: string }
  /** Another worker has claimed the partition: this one begins anew, if the partition is still its own. */
  | { readonly kind: 'fenced'; readonly group: string; readonly topic: string; readonly partition: number }
  | { readonly kind: 'cluster-unreachable'; readonly error: unknown }
  | { readonly kind: 'cluster-reached' }
