/** Who is where: brokers, leaders, coordinators, offsets of a log. Versions: the lowest that Kafka 2.7 to 4.x share. */
import { check } from './error-codes.ts'
import { byTopic, type KafkaRequest, type TopicPartition } from './request.ts'

export interface BrokerAddress {
  readonly id: number
  readonly host: string
  readonly port: number
}

export interface PartitionMetadata {
  readonly error: number
  readonly partition: number
  readonly leader: number
}

export interface Metadata {
  readonly brokers: readonly BrokerAddress[]
  readonly topics: readonly {
    readonly error: number
    readonly name: string
    readonly partitions: readonly PartitionMetadata[]
  }[]
}

/** Metadata v5 of the named topics; nothing is created by asking. */
export function metadataRequest(topics: readonly string[]): KafkaRequest<Metadata> {
  return {
    name: 'Metadata',
    apiKey: 3,
    apiVersion: 5,
    write: (writer) => void writer.array(topics, (topic) => writer.string(topic)).int8(0),
    read: (reader) => {
      reader.int32()
      const brokers = reader.array(() => {
        const broker = { id: reader.int32(), host: reader.string() ?? '', port: reader.int32() }
        reader.string()
        return broker
      })
      reader.string()
      reader.int32()
      return {
        brokers,
        topics: reader.array(() => {
          const error = reader.int16()
          const name = reader.string() ?? ''
          reader.int8()
          const partitions = reader.array(() => {
            const found = { error: reader.int16(), partition: reader.int32(), leader: reader.int32() }
            for (let list = 0; list < 3; list++) reader.array(() => reader.int32())
            return found
          })
          return { error, name, partitions }
        }),
      }
    },
  }
}

export type CoordinatorKind = 'group' | 'transaction'

/** FindCoordinator v1. */
export function findCoordinatorRequest(kind: CoordinatorKind, id: string): KafkaRequest<BrokerAddress> {
  return {
    name: 'FindCoordinator',
    apiKey: 10,
    apiVersion: 1,
    write: (writer) => void writer.string(id).int8(kind === 'group' ? 0 : 1),
    read: (reader) => {
      reader.int32()
      const error = reader.int16()
      reader.string()
      const broker = { id: reader.int32(), host: reader.string() ?? '', port: reader.int32() }
      check(error, `finding the coordinator of ${kind} ${id}`)
      return broker
    },
  }
}

/** -2 asks for the oldest offset, -1 for the end. */
export const oldestTime = -2
export const endTime = -1

export interface ListedOffset extends TopicPartition {
  readonly error: number
  /** -1 when no record is that young. */
  readonly offset: number
}

/**
 * ListOffsets v2, to the leader of all the partitions: the first offset with a time at or after `timeMs`.
 * @param isolation 0: up to the high watermark; 1: up to the last stable offset.
 */
export function listOffsetsRequest(
  partitions: readonly (TopicPartition & { readonly timeMs: number })[],
  isolation: 0 | 1,
): KafkaRequest<readonly ListedOffset[]> {
  return {
    name: 'ListOffsets',
    apiKey: 2,
    apiVersion: 2,
    write: (writer) =>
      void writer
        .int32(-1)
        .int8(isolation)
        .array(byTopic(partitions), ([topic, ofTopic]) =>
          writer.string(topic).array(ofTopic, ({ partition, timeMs }) => writer.int32(partition).int64(timeMs)),
        ),
    read: (reader) => {
      reader.int32()
      return reader
        .array(() => {
          const topic = reader.string() ?? ''
          return reader.array(() => {
            const partition = reader.int32()
            const error = reader.int16()
            reader.int64()
            return { topic, partition, error, offset: reader.int64() }
          })
        })
        .flat()
    },
  }
}
