/** One owner's transactions under a static transactional id: the fence of the relay on Kafka (facts: KIP-98, KIP-360, KIP-447).
 *
 *  `claim` finishes or aborts whatever an older holder left and shuts that holder out; only then are committed offsets read, so they
 *  are final. Inside a transaction nothing is tried again whose outcome is unknown: after any error the epoch is raised (`recover`),
 *  which settles it, and the caller begins again from committed data. */
import type { NewRecord } from '../port.ts'
import type { Cluster, Lane } from './cluster.ts'
import { ConnectionError } from './driver.ts'
import type { Compression } from './wire/compression.ts'
import { KafkaError, kafkaErrors } from './wire/error-codes.ts'
import { type ProducedBatch, produceRequest } from './wire/log-requests.ts'
import { encodeBatch, type Producer } from './wire/record-batch.ts'
import type { KafkaRequest, TopicPartition } from './wire/request.ts'
import {
  addOffsetsRequest,
  addPartitionsRequest,
  endTxnRequest,
  initProducerIdRequest,
  type NextOffset,
  txnOffsetCommitRequest,
} from './wire/transaction-requests.ts'

/** The commit was sent and its answer did not come: whether it took effect shows in committed data only. */
export class UncertainCommit extends Error {
  constructor(transactionalId: string, cause: unknown) {
    super(`the outcome of a commit of ${transactionalId} is unknown`, { cause })
    this.name = 'UncertainCommit'
  }
}

/** Records for one partition of a topic, in order. */
export interface PartitionRecords extends TopicPartition {
  readonly records: readonly NewRecord[]
}

export interface Changes {
  readonly records: readonly PartitionRecords[]
  readonly offsets?: { readonly group: string; readonly next: readonly NextOffset[] }
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
/** How long the coordinator may be busy with the markers of the last transaction. */
const busyMs = { min: 1, max: 50 }
const movedMs = { min: 10, max: 500 }

interface Refused {
  readonly batch: ProducedBatch
  readonly failure: KafkaError
}

export class TransactionalOwner {
  readonly id: string
  readonly #options: OwnerOptions
  #producer: Producer
  #isBroken = false
  readonly #sequences = new Map<string, number>()

  private constructor(id: string, options: OwnerOptions, producer: Producer) {
    this.id = id
    this.#options = options
    this.#producer = producer
  }

  /** Takes the id over from whoever holds it. */
  static async claim(id: string, options: OwnerOptions): Promise<TransactionalOwner> {
    return new TransactionalOwner(id, options, await initialize(id, options, undefined))
  }

  /** Whether an error has made `recover` necessary. */
  get isBroken(): boolean {
    return this.#isBroken
  }

  /**
   * Settles what is pending and goes on with a new epoch.
   * @throws {KafkaError} `isFenced` when someone else has claimed the id since.
   */
  async recover(): Promise<void> {
    this.#producer = await initialize(this.id, this.#options, this.#producer)
    this.#sequences.clear()
    this.#isBroken = false
  }

  /**
   * All or nothing. One call at a time.
   * @throws {UncertainCommit} when only committed data can tell what became of it; anything else: nothing was committed.
   */
  async transact({ records, offsets }: Changes): Promise<void> {
    if (this.#isBroken) throw new Error(`${this.id} was used after an error without recover()`)
    const hasOffsets = offsets !== undefined && offsets.next.length > 0
    if (records.length === 0 && !hasOffsets) return
    const { cluster, onCommit } = this.#options
    const startMs = cluster.clock.monotonicMs()
    try {
      const additions: Promise<void>[] = []
      if (records.length > 0) additions.push(this.#add(addPartitionsRequest(this.id, this.#producer, records)))
      if (hasOffsets) additions.push(this.#add(addOffsetsRequest(this.id, this.#producer, offsets.group)))
      await settled(additions)
      const work: Promise<void>[] = []
      if (records.length > 0) work.push(this.#produce(records))
      if (hasOffsets) work.push(this.#commitOffsets(offsets.group, offsets.next))
      await settled(work)
    } catch (error) {
      this.#isBroken = true
      throw error
    }
    await this.#end()
    onCommit((cluster.clock.monotonicMs() - startMs) / 1_000)
  }

  /** The coordinator may still be writing the markers of the transaction before: that is waited for, nothing was done yet. */
  async #add(request: KafkaRequest<void>): Promise<void> {
    await whileBusy(this.#options, () => this.#toCoordinator(request))
  }

  async #produce(all: readonly PartitionRecords[]): Promise<void> {
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
        const bytes = encodeBatch(records.slice(0, count), this.#producer, sequence, nowMs, this.#options.compression)
        batches.push({ topic, partition, bytes })
      }
      await this.#append(batches)
      rest = later
    }
  }

  /** Leaders that have moved are looked up again: by their answer they appended nothing, and the sequence would tell a repetition. */
  async #append(all: readonly ProducedBatch[]): Promise<void> {
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
    const { cluster, lane, timeoutMs } = this.#options
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
        const connection = await cluster.connection(leader, lane)
        for (const { topic, partition, error } of await connection.send(produceRequest(this.id, mine, timeoutMs / 3))) {
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

  async #commitOffsets(group: string, next: readonly NextOffset[]): Promise<void> {
    const { cluster, lane } = this.#options
    const request = txnOffsetCommitRequest(this.id, this.#producer, group, next)
    try {
      const connection = await cluster.connection(await cluster.coordinator('group', group), lane)
      await connection.send(request)
    } catch (error) {
      cluster.forgetCoordinator('group', group)
      throw error
    }
  }

  async #end(): Promise<void> {
    const request = endTxnRequest(this.id, this.#producer, true)
    try {
      await whileBusy(this.#options, () => this.#toCoordinator(request))
    } catch (error) {
      this.#isBroken = true
      // Refused or never sent: the transaction is open still, and raising the epoch aborts it.
      if (error instanceof KafkaError && !error.isElsewhere) throw error
      if (error instanceof ConnectionError && error.isUnsent) throw error
      throw new UncertainCommit(this.id, error)
    }
  }

  async #toCoordinator(request: KafkaRequest<void>): Promise<void> {
    const { cluster, lane } = this.#options
    try {
      const connection = await cluster.connection(await cluster.coordinator('transaction', this.id), lane)
      await connection.send(request)
    } catch (error) {
      if (error instanceof ConnectionError || (error instanceof KafkaError && error.isElsewhere))
        cluster.forgetCoordinator('transaction', this.id)
      throw error
    }
  }

  #nextSequence(topic: string, partition: number, count: number): number {
    const key = `${topic}/${partition}`
    const sequence = this.#sequences.get(key) ?? 0
    this.#sequences.set(key, (sequence + count) % sequenceLimit)
    return sequence
  }
}

/** The answer of a coordinator that moves or loads is asked for again, and so is a busy one's: claiming twice is claiming. */
async function initialize(id: string, options: OwnerOptions, current: Producer | undefined): Promise<Producer> {
  const { cluster, lane, timeoutMs } = options
  const request = initProducerIdRequest(id, timeoutMs, current)
  return whileBusy(options, () => cluster.askCoordinator('transaction', id, lane, request))
}

async function whileBusy<T>({ cluster, timeoutMs }: OwnerOptions, call: () => Promise<T>): Promise<T> {
  const untilMs = cluster.clock.monotonicMs() + timeoutMs
  for (let attempt = 0; ; attempt++) {
    try {
      return await call()
    } catch (error) {
      const isBusy = error instanceof KafkaError && error.code === kafkaErrors.concurrentTransactions
      if (!isBusy || cluster.clock.monotonicMs() > untilMs) throw error
      await cluster.clock.sleep(Math.min(busyMs.max, busyMs.min * 2 ** Math.min(attempt, 10)))
    }
  }
}

/** Waits for all, so that nothing of a failed transaction is still under way, then throws the first error. */
async function settled(calls: readonly Promise<void>[]): Promise<void> {
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
