/** A transaction's records on their way to the leaders of their partitions. */
import type { NewRecord } from '../port.ts'
import type { Cluster, Lane } from './cluster.ts'
import type { Connection } from './driver.ts'
import type { Compression } from './wire/compression.ts'
import { KafkaError } from './wire/error-codes.ts'
import { type ProducedBatch, produceRequest } from './wire/log-requests.ts'
import { encodeBatch, type Producer } from './wire/record-batch.ts'
import type { TopicPartition } from './wire/request.ts'

/** Records for one partition of a topic, in order. */
export interface PartitionRecords extends TopicPartition {
  readonly records: readonly NewRecord[]
}

export interface OwnerOptions {
  readonly cluster: Cluster
  readonly lane: Lane
  readonly compression: Compression
  readonly timeoutMs: number
  /** Told how long a committed transaction took. */
  readonly onCommit: (seconds: number) => void
}

/** A batch's records before compression; the broker's own limit is on what arrives. */
const batchBytesMax = 900_000
/** A batch of a million records would be a bug; the sequence wraps where the protocol's does. */
const sequenceLimit = 0x8000_0000
const movedMs = { min: 10, max: 500 }

interface Refused {
  readonly batch: ProducedBatch
  readonly failure: KafkaError
}

export class Appender {
  readonly #id: string
  readonly #options: OwnerOptions
  readonly #connect: (node: number) => Promise<Connection>
  readonly #sequences = new Map<string, number>()

  /** @param connect the owner's connection to a broker. */
  constructor(transactionalId: string, options: OwnerOptions, connect: (node: number) => Promise<Connection>) {
    this.#id = transactionalId
    this.#options = options
    this.#connect = connect
  }

  /** With every epoch the sequences begin anew. */
  reset(): void {
    this.#sequences.clear()
  }

  /** All of it, or the transaction has to be given up. */
  async append(all: readonly PartitionRecords[], producer: Producer): Promise<void> {
    const nowMs = this.#options.cluster.clock.nowMs()
    // A request takes one batch per partition: what does not fit into one goes in the next round.
    let rest = all
    while (rest.length > 0) {
      const batches: ProducedBatch[] = []
      const later: PartitionRecords[] = []
      for (const { topic, partition, records } of rest) {
        const count = countThatFits(records)
        if (count < records.length) later.push({ topic, partition, records: records.slice(count) })
        const sequence = this.#nextSequence(topic, partition, count)
        const bytes = encodeBatch(records.slice(0, count), producer, sequence, nowMs, this.#options.compression)
        batches.push({ topic, partition, bytes })
      }
      await this.#appendAll(batches)
      rest = later
    }
  }

  /** Leaders that have moved are looked up again: by their answer they appended nothing, and the sequence would tell a repetition. */
  async #appendAll(all: readonly ProducedBatch[]): Promise<void> {
    const { cluster, timeoutMs } = this.#options
    const untilMs = cluster.clock.monotonicMs() + timeoutMs / 3
    let rest = all
    for (let attempt = 0; ; attempt++) {
      const refused = await this.#appendOnce(rest)
      if (refused.length === 0) return
      for (const { failure } of refused)
        if (!failure.isElsewhere || cluster.clock.monotonicMs() > untilMs) throw failure
      await cluster.clock.sleep(Math.min(movedMs.max, movedMs.min * 2 ** Math.min(attempt, 10)))
      rest = refused.map(({ batch }) => batch)
    }
  }

  async #appendOnce(batches: readonly ProducedBatch[]): Promise<readonly Refused[]> {
    const { cluster, timeoutMs } = this.#options
    const byLeader = new Map<number, ProducedBatch[]>()
    const refused: Refused[] = []
    for (const batch of batches) {
      try {
        const leader = await cluster.leader(batch)
        const known = byLeader.get(leader)
        if (known === undefined) byLeader.set(leader, [batch])
        else known.push(batch)
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error
        refused.push({ batch, failure: error })
      }
    }
    await settled(
      Array.from(byLeader, async ([leader, mine]) => {
        const connection = await this.#connect(leader)
        for (const { topic, partition, error } of await connection.send(
          produceRequest(this.#id, mine, timeoutMs / 3),
        )) {
          if (error === 0) continue
          const failure = new KafkaError(error, `writing to ${topic}/${partition}`)
          if (failure.isElsewhere) cluster.forget(topic)
          const batch = mine.find((one) => one.topic === topic && one.partition === partition)
          if (batch !== undefined) refused.push({ batch, failure })
        }
      }),
    )
    return refused
  }

  #nextSequence(topic: string, partition: number, count: number): number {
    const key = `${topic}/${partition}`
    const sequence = this.#sequences.get(key) ?? 0
    this.#sequences.set(key, (sequence + count) % sequenceLimit)
    return sequence
  }
}

/** Waits for all, so that nothing of a failed transaction is still under way, then throws the first error. */
export async function settled(calls: readonly Promise<void>[]): Promise<void> {
  const outcomes = await Promise.allSettled(calls)
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
}

function countThatFits(records: readonly NewRecord[]): number {
  let bytes = 0
  for (let index = 0; index < records.length; index++) {
    bytes += (records[index]?.value?.length ?? 0) + 64
    if (bytes > batchBytesMax && index > 0) return index
  }
  return records.length
}
