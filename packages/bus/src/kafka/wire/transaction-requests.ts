/** Transactions: KIP-98, KIP-360 for telling a producer that was overtaken from one whose call went astray, and KIP-664 for how the last
 *  one ended. */
import { check, KafkaError, kafkaErrors } from './error-codes.ts'
import type { Producer } from './record-batch.ts'
import { byTopic, type KafkaRequest, type TopicPartition } from './request.ts'

/**
 * InitProducerId v4: finishes or aborts what is pending under the id and gives the next epoch.
 * @param current undefined takes the id over from whoever holds it; else refused (`PRODUCER_FENCED`) when someone has.
 */
export function initProducerIdRequest(
  transactionalId: string,
  timeoutMs: number,
  current: Producer | undefined,
): KafkaRequest<Producer> {
  return {
    name: 'InitProducerId',
    apiKey: 22,
    apiVersion: 4,
    write: (writer) =>
      void writer
        // A flexible version: the request header ends with its tagged fields, and so does the body.
        .int8(0)
        .compactString(transactionalId)
        .int32(timeoutMs)
        .int64(current?.producerId ?? -1n)
        .int16(current?.producerEpoch ?? -1)
        .int8(0),
    read: (reader) => {
      reader.uvarint()
      reader.int32()
      check(reader.int16(), `claiming ${transactionalId}`)
      return { producerId: reader.bigint64(), producerEpoch: reader.int16() }
    },
  }
}

/** AddPartitionsToTxn v1. */
export function addPartitionsRequest(
  transactionalId: string,
  { producerId, producerEpoch }: Producer,
  partitions: readonly TopicPartition[],
): KafkaRequest<void> {
  return {
    name: 'AddPartitionsToTxn',
    apiKey: 24,
    apiVersion: 1,
    write: (writer) =>
      void writer
        .string(transactionalId)
        .int64(producerId)
        .int16(producerEpoch)
        .array(byTopic(partitions), ([topic, ofTopic]) =>
          writer.string(topic).array(ofTopic, ({ partition }) => writer.int32(partition)),
        ),
    read: (reader) => {
      reader.int32()
      const errors: { subject: string; code: number }[] = []
      reader.array(() => {
        const topic = reader.string() ?? ''
        reader.array(() =>
          errors.push({ subject: `adding ${topic}/${reader.int32()} to a transaction`, code: reader.int16() }),
        )
      })
      // 55: not attempted, because of another partition's error, which says more.
      const failed = errors.find(({ code }) => code !== 0 && code !== 55) ?? errors.find(({ code }) => code !== 0)
      if (failed !== undefined) check(failed.code, failed.subject)
    },
  }
}

/** AddOffsetsToTxn v1. */
export function addOffsetsRequest(
  transactionalId: string,
  { producerId, producerEpoch }: Producer,
  group: string,
): KafkaRequest<void> {
  return {
    name: 'AddOffsetsToTxn',
    apiKey: 25,
    apiVersion: 1,
    write: (writer) => void writer.string(transactionalId).int64(producerId).int16(producerEpoch).string(group),
    read: (reader) => {
      reader.int32()
      check(reader.int16(), `adding the offsets of ${group} to a transaction`)
    },
  }
}

export interface NextOffset extends TopicPartition {
  readonly next: number
}

/** TxnOffsetCommit v2. Sent to the coordinator of the group; no member or generation: the claimed id is the fence. */
export function txnOffsetCommitRequest(
  transactionalId: string,
  { producerId, producerEpoch }: Producer,
  group: string,
  offsets: readonly NextOffset[],
): KafkaRequest<void> {
  return {
    name: 'TxnOffsetCommit',
    apiKey: 28,
    apiVersion: 2,
    write: (writer) =>
      void writer
        .string(transactionalId)
        .string(group)
        .int64(producerId)
        .int16(producerEpoch)
        .array(byTopic(offsets), ([topic, ofTopic]) =>
          writer
            .string(topic)
            .array(ofTopic, ({ partition, next }) => writer.int32(partition).int64(next).int32(-1).string('')),
        ),
    read: (reader) => {
      reader.int32()
      reader.array(() => {
        const topic = reader.string() ?? ''
        reader.array(() => {
          const partition = reader.int32()
          check(reader.int16(), `committing ${group} at ${topic}/${partition}`)
        })
      })
    },
  }
}

/** EndTxn v1. */
export function endTxnRequest(
  transactionalId: string,
  { producerId, producerEpoch }: Producer,
  isCommit: boolean,
): KafkaRequest<void> {
  return {
    name: 'EndTxn',
    apiKey: 26,
    apiVersion: 1,
    write: (writer) =>
      void writer
        .string(transactionalId)
        .int64(producerId)
        .int16(producerEpoch)
        .int8(isCommit ? 1 : 0),
    read: (reader) => {
      reader.int32()
      check(reader.int16(), `${isCommit ? 'committing' : 'aborting'} a transaction of ${transactionalId}`)
    },
  }
}

/** What the coordinator knows of the last transaction of an id. */
export interface LastKnown {
  readonly producer: Producer
  /** `CompleteCommit`, `CompleteAbort`, `Ongoing`, `Empty` and others of Kafka's `TransactionState`. */
  readonly state: string
}

/** DescribeTransactions v0, of Kafka 3.0. The answer is undefined for an id that the coordinator has never seen, or has forgotten. */
export function describeTransactionRequest(transactionalId: string): KafkaRequest<LastKnown | undefined> {
  return {
    name: 'DescribeTransactions',
    apiKey: 65,
    apiVersion: 0,
    write: (writer) =>
      void writer
        .int8(0)
        .compactArray([transactionalId], (id) => writer.compactString(id))
        .int8(0),
    read: (reader) => {
      reader.skipTags()
      reader.int32()
      const [described] = reader.compactArray(() => {
        const error = reader.int16()
        reader.compactString()
        const state = reader.compactString() ?? ''
        // The transaction's timeout and when it began.
        reader.skip(12)
        const producer: Producer = { producerId: reader.bigint64(), producerEpoch: reader.int16() }
        reader.compactArray(() => {
          reader.compactString()
          reader.compactArray(() => reader.int32())
          reader.skipTags()
        })
        reader.skipTags()
        return { error, state, producer }
      })
      if (described === undefined) throw new KafkaError(kafkaErrors.unknown, `describing ${transactionalId}`)
      if (described.error === kafkaErrors.transactionalIdNotFound) return undefined
      check(described.error, `describing ${transactionalId}`)
      return { producer: described.producer, state: described.state }
    },
  }
}
