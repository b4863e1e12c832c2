/** A Kafka log that somebody else owns and this product only reads, such as an Azure Event Hub. Where to read stands with the
 *  reader, never in the log's own group offsets: every assignment is answered with a seek, and a batch says where it was fetched.
 *
 *  On kafkajs' consumer, not on our own fetcher: brokers of others speak protocol versions of any age, and kafkajs negotiates
 *  each request. Compression: none, gzip, and zstd by Node; snappy and lz4 are refused with a reason. */
import { promisify } from 'node:util'
import { zstdCompress, zstdDecompress } from 'node:zlib'
import type { Clock } from '@siem-relay/common'
import kafkajs, { type Consumer, type EachBatchPayload, Kafka, logLevel, type SASLOptions } from 'kafkajs'
import type { SaslOptions, TlsOptions } from '../driver.ts'
import { toSourceError } from './errors.ts'

export interface ForeignLogOptions {
  /** `host:port` of some brokers; the others are learned from them. */
  readonly brokers: readonly string[]
  readonly clientId: string
  readonly group: string
  readonly topics: readonly string[]
  readonly tls: TlsOptions | undefined
  readonly sasl: Extract<SaslOptions, { username: string }> | undefined
  readonly clock: Clock
}

export interface ForeignRecord {
  readonly offset: number
  readonly value: Buffer
  /** When the log took it, milliseconds since the epoch. */
  readonly appendedMs: number
}

export interface ForeignBatch {
  readonly topic: string
  readonly partition: number
  /** In order, and of offsets at or after `fetchedFrom`; offsets may have gaps. */
  readonly records: readonly ForeignRecord[]
  /** Beyond the reader's position only where the log no longer has what lies between. */
  readonly fetchedFrom: number
  /** Offset the next record of the partition will get. */
  readonly end: number
}

/** What one partition holds. */
export interface ForeignBounds {
  readonly topic: string
  readonly partition: number
  readonly start: number
  readonly end: number
  /** The first offset at or after the time that was asked for, or the end; `start` when none was. */
  readonly at: number
}

export interface ForeignReader {
  /** The offset to read next; undefined: from the partition's beginning. Asked at every assignment. */
  position(topic: string, partition: number): number | undefined
  /** The group has given these partitions to this reader. */
  assigned(partitions: readonly { readonly topic: string; readonly partition: number }[]): void
  /** Takes a batch, one call at a time. The promise is the back-pressure: nothing more is fetched before it resolves. */
  take(batch: ForeignBatch): Promise<void>
}

export interface ForeignLog {
  /** @throws {RelayError} `RELAY_SOURCE_UNAVAILABLE`, `…_AUTH`, `…_REQUEST` */
  bounds(atMs: number | undefined): Promise<readonly ForeignBounds[]>
  /** Reads until the signal is aborted. @throws what `take` throws, and as `bounds`. */
  read(reader: ForeignReader, signal: AbortSignal): Promise<never>
}

const connectTimeoutMs = 10_000
const requestTimeoutMs = 30_000
/** A reader that died holds its partitions for the first; one that died while it joined, for both together. */
const sessionTimeoutMs = 10_000
const rebalanceTimeoutMs = 10_000
const heartbeatMs = 2_000
/** How long a broker may hold back an empty answer; a stop waits for it. */
const fetchWaitMs = 1_000
const fetchBytesMax = 4 * 1_048_576
const partitionBytesMax = 2 * 1_048_576

export function openForeignLog(options: ForeignLogOptions): ForeignLog {
  const { tls, topics, group, clock } = options
  const sasl: SASLOptions | undefined = options.sasl
  kafkajs.CompressionCodecs[kafkajs.CompressionTypes.ZSTD] = zstd
  const kafka = new Kafka({
    clientId: options.clientId,
    brokers: [...options.brokers],
    connectionTimeout: connectTimeoutMs,
    requestTimeout: requestTimeoutMs,
    ...(tls === undefined ? {} : { ssl: tls }),
    ...(sasl === undefined ? {} : { sasl }),
    logLevel: logLevel.NOTHING,
    // Whoever reads decides when to try again.
    retry: { retries: 2, initialRetryTime: 200, restartOnFailure: async () => false },
  })
  return {
    async bounds(atMs) {
      const admin = kafka.admin()
      try {
        await admin.connect()
        const found: ForeignBounds[] = []
        for (const topic of topics) {
          const ends = await admin.fetchTopicOffsets(topic)
          const at = atMs === undefined ? [] : await admin.fetchTopicOffsetsByTimestamp(topic, atMs)
          const atOf = new Map(at.map(({ partition, offset }) => [partition, Number(offset)]))
          for (const { partition, low, high } of ends)
            found.push({
              topic,
              partition,
              start: Number(low),
              end: Number(high),
              at: atOf.get(partition) ?? Number(low),
            })
        }
        return found
      } catch (error) {
        throw toSourceError(error, options)
      } finally {
        await admin.disconnect().catch(() => undefined)
      }
    },

    async read(reader, signal) {
      signal.throwIfAborted()
      const consumer = kafka.consumer({
        groupId: group,
        sessionTimeout: sessionTimeoutMs,
        rebalanceTimeout: rebalanceTimeoutMs,
        heartbeatInterval: heartbeatMs,
        maxWaitTimeInMs: fetchWaitMs,
        maxBytes: fetchBytesMax,
        maxBytesPerPartition: partitionBytesMax,
        allowAutoTopicCreation: false,
      })
      const { promise: ended, reject: end } = Promise.withResolvers<never>()
      ended.catch(() => undefined)
      const onAbort = (): void => end(signal.reason)
      signal.addEventListener('abort', onAbort, { once: true })
      consumer.on(consumer.events.CRASH, ({ payload }) => end(toSourceError(payload.error, options)))
      consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => seekAll(consumer, reader, payload.memberAssignment))
      try {
        await Promise.race([start(consumer, topics, (batch) => take(batch, reader, clock, end)), ended])
        return await ended
      } catch (error) {
        throw signal.aborted ? signal.reason : toSourceError(error, options)
      } finally {
        signal.removeEventListener('abort', onAbort)
        await consumer.disconnect().catch(() => undefined)
      }
    },
  }
}

async function start(
  consumer: Consumer,
  topics: readonly string[],
  eachBatch: (batch: EachBatchPayload) => Promise<void>,
): Promise<void> {
  await consumer.connect()
  await consumer.subscribe({ topics: [...topics], fromBeginning: true })
  await consumer.run({ autoCommit: false, eachBatch })
}

/** Before the first fetch of the assignment: the group's own offsets are never asked. */
function seekAll(
  consumer: Consumer,
  reader: ForeignReader,
  assignment: Readonly<Record<string, readonly number[]>>,
): void {
  const assigned = Object.entries(assignment).flatMap(([topic, partitions]) =>
    partitions.map((partition) => ({ topic, partition })),
  )
  for (const { topic, partition } of assigned)
    consumer.seek({ topic, partition, offset: String(reader.position(topic, partition) ?? 0) })
  reader.assigned(assigned)
}

async function take(
  { batch, heartbeat }: EachBatchPayload,
  reader: ForeignReader,
  clock: Clock,
  end: (error: unknown) => void,
): Promise<void> {
  // A reader that waits for room keeps its membership; a beat that fails shows at the next fetch.
  let stopBeating: () => void = () => undefined
  const beat = (): void => {
    stopBeating = clock.after(heartbeatMs, () => {
      heartbeat().catch(() => undefined)
      beat()
    })
  }
  beat()
  try {
    await reader.take({
      topic: batch.topic,
      partition: batch.partition,
      records: batch.messages.map(({ offset, value, timestamp }) => ({
        offset: Number(offset),
        value: value ?? empty,
        appendedMs: Number(timestamp),
      })),
      // kafkajs moves to what is left when the broker no longer has an offset; its type does not show this field.
      fetchedFrom: Number((batch as unknown as { readonly fetchedOffset: string }).fetchedOffset),
      end: Number(batch.highWatermark),
    })
  } catch (error) {
    end(error)
    // Never resolved: what was not taken must not be passed by the batches behind it.
    throw error
  } finally {
    stopBeating()
  }
}

const empty = Buffer.alloc(0)

const zstd = () => ({
  compress: ({ buffer }: { buffer: Buffer }) => promisify(zstdCompress)(buffer),
  decompress: (buffer: Buffer) => promisify(zstdDecompress)(buffer),
})
