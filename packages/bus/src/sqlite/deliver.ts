/** At-least-once delivery of each partition: records go out in order, acknowledgements come back in any, and only the part
 *  acknowledged without a hole is committed, with the dead letters it passes. */
import { AcknowledgedPrefix } from '../acknowledged-prefix.ts'
import { orAborted } from '../or-aborted.ts'
import type { DeliverSpec, NewRecord, PartitionDelivery, Worker } from '../port.ts'
import type { Log } from './catalog.ts'
import type { Core } from './core.ts'
import { reportDamage } from './damage.ts'
import { outstandingRecordsMax } from './limits.ts'
import { Cursor } from './reader.ts'
import { Backoff, type Reach, startWorker } from './worker.ts'

export function startDelivery(core: Core, spec: DeliverSpec): Worker {
  return startWorker(core, {
    group: spec.group,
    topics: spec.topics,
    startAtMs: spec.startAtMs,
    stretches: spec.stretches,
    onError: spec.onError === undefined ? undefined : (error) => spec.onError?.(error),
    live: (reach, signal, backoff) => new Life(core, spec, reach, signal, backoff).run(),
  })
}

/** One partition from its committed offset to the next failure, the stop, or the end of its stretch. */
class Life {
  readonly #core: Core
  readonly #spec: DeliverSpec
  readonly #log: Log
  readonly #until: number
  readonly #backoff: Backoff
  readonly #cursor: Cursor
  readonly #prefix: AcknowledgedPrefix
  /** Aborted by the stop or by the failure that ends this life. */
  readonly #ending = new AbortController()
  readonly #signal: AbortSignal
  #isRevoked = false
  #committing: Promise<void> | undefined
  #onAcknowledged: (() => void) | undefined

  constructor(core: Core, spec: DeliverSpec, { log, from, until }: Reach, signal: AbortSignal, backoff: Backoff) {
    this.#core = core
    this.#spec = spec
    this.#log = log
    this.#until = until
    this.#backoff = backoff
    this.#cursor = new Cursor(core.rows, log, from)
    this.#prefix = new AcknowledgedPrefix(from)
    this.#signal = AbortSignal.any([signal, this.#ending.signal])
  }

  async run(): Promise<void> {
    const { topicName: topic, partition } = this.#log
    const delivery = this.#spec.open(
      { topic, partition },
      {
        acknowledge: (first, last) => this.#acknowledge(() => this.#prefix.acknowledge(first, last)),
        deadLetter: (record, letter) => this.#deadLetter(record.offset, letter),
      },
    )
    try {
      while (!this.#signal.aborted && !this.#isThrough()) await this.#step(delivery)
    } finally {
      this.#isRevoked = true
      delivery.revoked()
      this.#ending.abort()
      await this.#committing
      await this.#commitOnce().catch((error: unknown) => this.#spec.onError?.(error))
    }
  }

  /** The stretch is read and acknowledged, and its end committed. */
  #isThrough(): boolean {
    return this.#isRead() && this.#prefix.outstanding === 0 && this.#prefix.committable() === undefined
  }

  #isRead(): boolean {
    return this.#cursor.next >= this.#until
  }

  async #step(delivery: PartitionDelivery): Promise<void> {
    if (this.#isRead() || this.#prefix.outstanding >= outstandingRecordsMax) {
      await (this.#prefix.outstanding === 0 ? this.#committing : this.#acknowledgement())
      return
    }
    const { batchRecordsMax, batchBytesMax } = this.#spec
    const read = this.#cursor.read(batchRecordsMax, batchBytesMax, Math.min(this.#until, this.#log.end))
    if (read === undefined) {
      await this.#log.waitBeyond(this.#cursor.next, this.#signal)
      return
    }
    if (read.kind === 'damage') {
      this.#prefix.track([read.first], read.next)
      this.#deadLetter(read.first, reportDamage(this.#core, this.#spec.group, this.#log, read))
      return
    }
    this.#prefix.track(
      read.records.map((record) => record.offset),
      read.next,
    )
    await orAborted(delivery.deliver(read.records), this.#signal)
    this.#backoff.succeeded()
    // A handler that resolves at once would else keep sockets and commits waiting.
    await new Promise((resolve) => setImmediate(resolve))
  }

  #acknowledge(change: () => void): void {
    if (this.#isRevoked) return
    change()
    this.#onAcknowledged?.()
    if (this.#committing === undefined && this.#prefix.committable() !== undefined) this.#committing = this.#commitAll()
  }

  #deadLetter(offset: number, letter: NewRecord): void {
    this.#acknowledge(() => this.#prefix.deadLetter(offset, letter))
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

  /** Commits until nothing new is acknowledged; a failing disk is tried again without giving the records out anew. */
  async #commitAll(): Promise<void> {
    const backoff = new Backoff(this.#core)
    while (this.#prefix.committable() !== undefined && !this.#signal.aborted) {
      try {
        await this.#commitOnce()
        backoff.succeeded()
      } catch (error) {
        this.#spec.onError?.(error)
        await backoff.wait(this.#signal)
      }
    }
    // Here, not when the promise settles: an acknowledgement in between would find nobody to commit it.
    this.#committing = undefined
  }

  async #commitOnce(): Promise<void> {
    const committable = this.#prefix.committable()
    if (committable === undefined) return
    const { offset: next, letters: records } = committable
    await this.#core.committer.commit({ records, offset: { group: this.#spec.group, log: this.#log, next } })
    this.#prefix.committed(next)
  }
}
