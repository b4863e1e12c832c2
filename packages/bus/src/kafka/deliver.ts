/** At-least-once delivery of each partition on Kafka: records go out in order, acknowledgements come back in any, and only the part
 *  acknowledged without a hole is committed, with the dead letters it passes, under the partition's claimed id. */
import { AcknowledgedPrefix } from '../acknowledged-prefix.ts'
import { orAborted } from '../or-aborted.ts'
import type { DeliverSpec, NewRecord, PartitionDelivery, Worker } from '../port.ts'
import { byPartition, type Core } from './core.ts'
import { PartitionReader } from './reader.ts'
import { aborted } from './stage.ts'
import { type Held, startWorker } from './worker.ts'

/** Records handed out and not acknowledged, per partition. */
const outstandingRecordsMax = 20_000
/** Between two commits of a partition: acknowledgements that come one by one are committed together. */
const commitEveryMs = 25

export function startDelivery(core: Core, spec: DeliverSpec): Worker {
  return startWorker(core, {
    group: spec.group,
    topics: spec.topics,
    startAtMs: spec.startAtMs,
    stretches: spec.stretches,
    onError: (error) => spec.onError?.(error),
    live: (held) => new Life(core, spec, held).run(),
  })
}

/** One partition from its committed offset to the next failure, its loss or the stop. */
class Life {
  readonly #core: Core
  readonly #spec: DeliverSpec
  readonly #held: Held
  readonly #reader: PartitionReader
  readonly #prefix: AcknowledgedPrefix
  /** Aborted by the stop or by the failure that ends this life. */
  readonly #ending = new AbortController()
  readonly #signal: AbortSignal
  #isRevoked = false
  #committing: Promise<void> | undefined
  #onAcknowledged: (() => void) | undefined

  constructor(core: Core, spec: DeliverSpec, held: Held) {
    const { fullTopic, topic, partition, from, until, signal } = held
    this.#core = core
    this.#spec = spec
    this.#held = held
    this.#reader = new PartitionReader({ fetcher: core.fetcher, topic: fullTopic, name: topic, partition, from, until })
    this.#prefix = new AcknowledgedPrefix(from)
    this.#signal = AbortSignal.any([signal, this.#ending.signal])
  }

  async run(): Promise<void> {
    const { topic, partition } = this.#held
    const delivery = this.#spec.open(
      { topic, partition },
      {
        acknowledge: (first, last) => this.#acknowledge(() => this.#prefix.acknowledge(first, last)),
        deadLetter: (record, letter) => this.#acknowledge(() => this.#prefix.deadLetter(record.offset, letter)),
      },
    )
    try {
      while (!this.#signal.aborted) await this.#step(delivery)
      // A commit that failed ends this life; without it the loop above would look like a stop.
      if (!this.#held.signal.aborted) throw this.#ending.signal.reason
    } finally {
      this.#isRevoked = true
      delivery.revoked()
      this.#ending.abort()
      await this.#committing
      if (!this.#held.owner.isBroken) await this.#commitOnce().catch((error: unknown) => this.#spec.onError?.(error))
    }
  }

  async #step(delivery: PartitionDelivery): Promise<void> {
    if (this.#reader.isExhausted) {
      this.#acknowledge(() => this.#prefix.pass(this.#reader.next))
      return aborted(this.#signal)
    }
    if (this.#prefix.outstanding >= outstandingRecordsMax) return this.#acknowledgement()
    const { batchRecordsMax, batchBytesMax } = this.#spec
    const { records, next } = await this.#reader.read(batchRecordsMax, batchBytesMax, this.#signal)
    if (records.length === 0) {
      this.#acknowledge(() => this.#prefix.pass(next))
      return
    }
    this.#prefix.track(
      records.map(({ offset }) => offset),
      next,
    )
    this.#reader.prefetch(this.#signal)
    await orAborted(delivery.deliver(records), this.#signal)
    this.#held.succeeded()
    // A handler that resolves at once would else keep sockets and commits waiting.
    await new Promise((resolve) => setImmediate(resolve))
  }

  #acknowledge(change: () => void): void {
    if (this.#isRevoked) return
    change()
    this.#onAcknowledged?.()
    if (this.#committing === undefined && this.#prefix.committable() !== undefined) this.#committing = this.#commitAll()
  }

  #acknowledgement(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const settle = (): void => {
      this.#signal.removeEventListener('abort', settle)
      this.#onAcknowledged = undefined
      resolve()
    }
    this.#onAcknowledged = settle
    this.#signal.addEventListener('abort', settle)
    return promise
  }

  /** Commits until nothing new is acknowledged. A failure ends this life: the next one begins with a claim and what is committed. */
  async #commitAll(): Promise<void> {
    const { clock } = this.#core.cluster
    try {
      while (this.#prefix.committable() !== undefined && !this.#signal.aborted) {
        await this.#commitOnce()
        await clock.sleep(commitEveryMs, this.#signal).catch(() => undefined)
      }
    } catch (error) {
      this.#ending.abort(error)
    }
    // Here, not when the promise settles: an acknowledgement in between would find nobody to commit it.
    this.#committing = undefined
  }

  async #commitOnce(): Promise<void> {
    const committable = this.#prefix.committable()
    if (committable === undefined) return
    const { offset: next, letters } = committable
    const { owner, group, fullTopic: topic, partition } = this.#held
    const records = await byPartition(this.#core, letters as readonly NewRecord[])
    await owner.transact({ records, offsets: { group, next: [{ topic, partition, next }] } })
    this.#prefix.committed(next)
  }
}
