/** Writing to and reading from the leaders of partitions. */
import type { AbortedTransaction } from './record-batch.ts'
import { byTopic, type KafkaRequest, type TopicPartition } from './request.ts'

export interface ProducedBatch extends TopicPartition {
  /** One encoded record batch. */
  readonly bytes: Buffer
}

export interface ProduceOutcome extends TopicPartition {
  readonly error: number
}

/** Produce v7 (zstd is allowed from here on), acknowledged by all in-sync replicas. */
export function produceRequest(
  transactionalId: string,
  batches: readonly ProducedBatch[],
  timeoutMs: number,
): KafkaRequest<readonly ProduceOutcome[]> {
  return {
    name: 'Produce',
    apiKey: 0,
    apiVersion: 7,
    write: (writer) =>
      void writer
        .string(transactionalId)
        .int16(-1)
        .int32(timeoutMs)
        .array(byTopic(batches), ([topic, ofTopic]) =>
          writer.string(topic).array(ofTopic, ({ partition, bytes }) => writer.int32(partition).bytes(bytes)),
        ),
    read: (reader) =>
      reader
        .array(() => {
          const topic = reader.string() ?? ''
          return reader.array(() => {
            const outcome = { topic, partition: reader.int32(), error: reader.int16() }
            reader.skip(24)
            return outcome
          })
        })
        .flat(),
  }
}

export interface FetchPosition extends TopicPartition {
  readonly offset: number
  readonly bytesMax: number
}

export interface FetchedPartition extends TopicPartition {
  readonly error: number
  readonly highWatermark: number
  readonly logStart: number
  readonly aborted: readonly AbortedTransaction[]
  /** Record batches one behind the other, for `decodeBatches`. */
  readonly bytes: Buffer
}

export interface FetchWait {
  readonly waitMs: number
  readonly bytesMax: number
}

/** Fetch v11 of committed records (isolation level 1), without a fetch session. */
export function fetchRequest(
  positions: readonly FetchPosition[],
  { waitMs, bytesMax }: FetchWait,
): KafkaRequest<readonly FetchedPartition[]> {
  return {
    name: 'Fetch',
    apiKey: 1,
    apiVersion: 11,
    waitMs,
    write: (writer) =>
      void writer
        .int32(-1)
        .int32(waitMs)
        .int32(1)
        .int32(bytesMax)
        .int8(1)
        .int32(0)
        .int32(-1)
        .array(byTopic(positions), ([topic, ofTopic]) =>
          writer
            .string(topic)
            .array(ofTopic, ({ partition, offset, bytesMax: most }) =>
              writer.int32(partition).int32(-1).int64(offset).int64(-1).int32(most),
            ),
        )
        .array([], () => undefined)
        .string(''),
    read: (reader) => {
      reader.int32()
      reader.int16()
      reader.int32()
      return reader
        .array(() => {
          const topic = reader.string() ?? ''
          return reader.array((): FetchedPartition => {
            const partition = reader.int32()
            const error = reader.int16()
            const highWatermark = reader.int64()
            reader.int64()
            const logStart = reader.int64()
            const aborted = readAborted(reader)
            reader.int32()
            return { topic, partition, error, highWatermark, logStart, aborted, bytes: reader.bytes() }
          })
        })
        .flat()
    },
  }
}

function readAborted(reader: Parameters<KafkaRequest<unknown>['read']>[0]): readonly AbortedTransaction[] {
  const count = reader.int32()
  const aborted: AbortedTransaction[] = []
  for (let index = 0; index < count; index++)
    aborted.push({ producerId: reader.bigint64(), firstOffset: reader.int64() })
  return aborted
}
