/** What the operations of the log on Kafka share. Built once by open.ts. */
import { RelayError } from '@siem-relay/common'
import { partitionOf } from '../partitioner.ts'
import type { NewRecord } from '../port.ts'
import type { PartitionRecords } from './appender.ts'
import type { Cluster, Lane } from './cluster.ts'
import type { KafkaDriver } from './driver.ts'
import type { Fetcher } from './fetcher.ts'
import type { Memories } from './last-transaction.ts'
import type { KafkaBusEvent, KafkaBusOptions } from './options.ts'
import type { Topics } from './topics.ts'
import { TransactionalOwner } from './transactions.ts'

export interface Core {
  readonly options: KafkaBusOptions
  readonly driver: KafkaDriver
  readonly cluster: Cluster
  readonly fetcher: Fetcher
  readonly emit: (event: KafkaBusEvent) => void
  readonly topics: Topics
  readonly memories: Memories
  /** Aborted when the bus begins to close: workers fail and stop. */
  readonly ending: AbortSignal
  /** Aborted once they have stopped: nothing is asked any more. */
  readonly closing: AbortSignal
}

/** The name on the cluster. */
export const fullName = (core: Pick<Core, 'options'>, name: string): string => `${core.options.prefix}${name}`

/** Connections for writing, over which the owners are spread: a broker works on one request of a connection at a time. */
const writeLanes = 4

/** The id is the caller's from now on, and where its last transaction was known to this process, it has ended everywhere. */
export async function claim(core: Core, id: string): Promise<TransactionalOwner> {
  const { transactionTimeoutMs: timeoutMs, compression } = core.options
  const onCommit = (seconds: number): void => core.options.onCommit?.(seconds)
  const options = { cluster: core.cluster, lane: laneOf(id), compression, timeoutMs, onCommit }
  const owner = await TransactionalOwner.claim(id, options, core.memories)
  await owner.endAgain()
  return owner
}

export function laneOf(id: string): Lane {
  return `write-${partitionOf(id, writeLanes)}`
}

/**
 * Records by the partition of their key.
 * @throws {RelayError} `RELAY_BUS_TOPIC` for a topic that is not there, and for a deletion in a topic that is not compacted.
 */
export async function byPartition(core: Core, records: readonly NewRecord[]): Promise<PartitionRecords[]> {
  const topics = new Map<string, NewRecord[][]>()
  for (const { topic } of records) {
    if (topics.has(topic)) continue
    const count = core.cluster.knownPartitionCount(fullName(core, topic)) ?? (await partitionsOf(core, topic))
    topics.set(
      topic,
      Array.from({ length: count }, () => []),
    )
  }
  for (const record of records) {
    if (record.value === null && core.topics.isLog(record.topic))
      throw new RelayError(
        'RELAY_BUS_TOPIC',
        `topic ${record.topic} is not compacted: a record in it cannot be deleted`,
      )
    const partitions = topics.get(record.topic) as NewRecord[][]
    partitions[partitionOf(record.key, partitions.length)]?.push(record)
  }
  return [...topics].flatMap(([topic, partitions]) =>
    partitions.flatMap((mine, partition) =>
      mine.length === 0 ? [] : [{ topic: fullName(core, topic), partition, records: mine }],
    ),
  )
}

/** @throws {RelayError} `RELAY_BUS_TOPIC` when the topic is not there. */
export async function partitionsOf(core: Core, topic: string): Promise<number> {
  const name = fullName(core, topic)
  const count = await core.cluster.ask(
    () => core.cluster.partitionCount(name),
    () => core.cluster.forget(name),
  )
  if (count !== undefined && count > 0) return count
  // Deleted by another process, perhaps: the next to make sure of it makes it anew.
  core.topics.forget([topic])
  throw new RelayError('RELAY_BUS_TOPIC', `Kafka has no topic ${name}`)
}
