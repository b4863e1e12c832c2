/** Offsets of logs and groups, asked of those who know. Topics by their full names. */
import { type Core, laneOf } from './core.ts'
import { endTime, listOffsetsRequest, oldestTime } from './wire/cluster-requests.ts'
import { KafkaError } from './wire/error-codes.ts'
import { offsetFetchRequest } from './wire/group-requests.ts'
import type { FetchedBatch, StoredRecord } from './wire/record-batch.ts'
import type { TopicPartition } from './wire/request.ts'

export interface Bounds {
  readonly start: number
  /** The high watermark: behind everything written, committed or not. */
  readonly end: number
}

/** The high watermark alone. */
export function endOf(core: Core, partition: TopicPartition): Promise<number> {
  return offsetFor(core, partition, endTime)
}

/** Uncommitted records included: what is open ends before whoever reads up to here. */
const everything = 0

export async function boundsOf(core: Core, partition: TopicPartition): Promise<Bounds> {
  // Two questions: a request may name a partition once.
  const [start, end] = await Promise.all([offsetFor(core, partition, oldestTime), offsetFor(core, partition, endTime)])
  return { start, end }
}

/**
 * The first record at or after a time that readers get, or the end.
 * Kafka's own answer may be the marker of a transaction, which no reader sees, or a record whose transaction is still open: then it
 * is this place, since readers get the record once it is committed. The end is asked first: what is appended between the two
 * answers is behind it. A group that starts here skips nothing.
 */
export async function offsetAt(core: Core, partition: TopicPartition, timeMs: number): Promise<number> {
  const end = await offsetFor(core, partition, endTime)
  const found = await offsetFor(core, partition, Math.max(0, timeMs))
  if (found < 0) return end
  const { record, reached } = await search(core, partition, found, end)
  return record?.offset ?? reached
}

async function offsetFor(core: Core, { topic, partition }: TopicPartition, timeMs: number): Promise<number> {
  const { cluster } = core
  return cluster.ask(
    async () => {
      const node = await cluster.leader({ topic, partition })
      const connection = await cluster.connection(node, 'metadata')
      const [found] = await connection.send(listOffsetsRequest([{ topic, partition, timeMs }], everything))
      if (found === undefined || found.error !== 0)
        throw new KafkaError(found?.error ?? -1, `listing offsets of ${topic}/${partition}`)
      return found.offset
    },
    () => cluster.forget(topic),
  )
}

const peekBytesMax = 65_536

interface Found {
  readonly record?: StoredRecord
  readonly reached: number
  /** From the record's own on, as many as one look shows. */
  readonly batches?: readonly FetchedBatch[]
}

/** Looks for a record before `end` that a reader gets; before `reached` there is none and there will be none. */
export async function search(
  core: Core,
  { topic, partition }: TopicPartition,
  from: number,
  end: number,
): Promise<Found> {
  let reached = from
  while (reached < end) {
    const position = { topic, partition, offset: reached, bytesMax: peekBytesMax }
    const { batches } = await core.cluster.ask(() => core.fetcher.peek(position))
    if (batches.length === 0) return { reached }
    for (const batch of batches) {
      const record = firstOf(batch)
      if (record !== undefined && record.offset >= end) return { reached: end }
      if (record !== undefined) return { record, reached: record.offset, batches }
    }
    reached = batches.at(-1)?.next ?? end
  }
  return { reached }
}

/**
 * What a reader still gets from `from` up to `end`. Markers of transactions take offsets too: what one look shows is counted, and the
 * rest taken to be as dense. What belongs to a transaction that is still open is pending, though nobody can say since when.
 */
export async function pendingOf(
  core: Core,
  partition: TopicPartition,
  from: number,
  end: number,
): Promise<{ readonly records: number; readonly oldestMs: number | undefined }> {
  const { record, reached, batches = [] } = await search(core, partition, from, end)
  let records = 0
  let looked = reached
  for (const { isHidden, baseOffset, next } of batches) {
    if (!isHidden) records += Math.max(0, Math.min(next, end) - Math.max(baseOffset, reached))
    looked = Math.min(next, end)
  }
  const share = looked === reached ? 1 : records / (looked - reached)
  return { records: records + Math.ceil(Math.max(0, end - looked) * share), oldestMs: record?.appendedMs }
}

export async function countBetween(
  core: Core,
  partition: TopicPartition,
  from: number,
  until: number,
): Promise<number> {
  return from >= until ? 0 : (await pendingOf(core, partition, from, until)).records
}

const firstOf = (batch: FetchedBatch): StoredRecord | undefined => (batch.isHidden ? undefined : batch.records()[0])

/**
 * The next offset of a group in each partition, in order; undefined where it never committed.
 * @param isStable throws `UNSTABLE_OFFSET_COMMIT` while a transaction is about to move one; else the offset before it is the answer.
 */
export async function committedOffsets(
  core: Core,
  group: string,
  partitions: readonly TopicPartition[],
  isStable: boolean,
): Promise<readonly (number | undefined)[]> {
  const request = offsetFetchRequest(group, partitions, isStable)
  const found = await core.cluster.askCoordinator('group', group, laneOf(group), request)
  const offsets = new Map(found.map(({ topic, partition, next }) => [`${topic}/${partition}`, next]))
  return partitions.map(({ topic, partition }) => offsets.get(`${topic}/${partition}`))
}
