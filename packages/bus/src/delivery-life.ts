/** One partition of a delivery from its committed offset to the next failure, its loss, the stop or the end of its stretch: records go
 *  out in order, acknowledgements come back in any, and only the part acknowledged without a hole is committed, with the dead letters
 *  it passes. The same on every bus; what reading and committing mean is the log's. */
import { AcknowledgedPrefix, type Committable } from './acknowledged-prefix.ts'
import { orAborted } from './or-aborted.ts'
import type { BusRecord, DeliverSpec, NewRecord, PartitionDelivery } from './port.ts'

/** What reading on came to; `next` is where to go on. */
type DeliveryStep =
  | { readonly kind: 'records'; readonly records: readonly BusRecord[]; readonly next: number }
  /** Offsets without records for readers. */
  | { readonly kind: 'passed'; readonly next: number }
  /** What cannot be handed out; the letter says so in its place. */
  | { readonly kind: 'letter'; readonly offset: number; readonly letter: NewRecord; readonly next: number }

/** One partition as a delivery sees it. */
export interface DeliveryLog {
  readonly topic: string
  readonly partition: number
  readonly from: number
  /** The stretch has been read to its end. */
  readonly isRead: boolean
  /** Waits for what comes next. @throws the signal's reason; what ends this life */
  read(recordsMax: number, bytesMax: number, signal: AbortSignal): Promise<DeliveryStep>
  commit(committable: Committable): Promise<void>
  /** Returns when the commit may be tried again; throws when this life is over. */
  commitFailed(error: unknown, signal: AbortSignal): Promise<void>
  /** Waits between commits, so that acknowledgements that come one by one are committed together. */
  pace?(signal: AbortSignal): Promise<void>
  /** Whether a last commit makes sense when this life ends. */
  readonly canCommit: boolean
  /** Records were taken: the next failure is the first again. */
  succeeded(): void
}

/** Records handed out and not acknowledged, per partition. */
const outstandingRecordsMax = 20_000

/** Delivers until the signal is aborted or the stretch is through. @throws what ended it before. */
export function deliverPartition(log: DeliveryLog, spec: DeliverSpec, signal: AbortSignal): Promise<void> {
  return new DeliveryLife(log, spec, signal).run()
}

class DeliveryLife {
  readonly #log: DeliveryLog
  readonly #spec: DeliverSpec
  readonly #prefix: AcknowledgedPrefix
  /** Aborted by the failure that ends this life, and at its end. */
  readonly #ending = new AbortController()
  readonly #signal: AbortSignal
  #failure: { readonly error: unknown } | undefined
  #isRevoked = false
  #committing: Promise<void> | undefined
  #onAcknowledged: (() => void) | undefined

  constructor(log: DeliveryLog, spec: DeliverSpec, signal: AbortSignal) {
    this.#log = log
    this.#spec = spec
    this.#prefix = new AcknowledgedPrefix(log.from)
    this.#signal = AbortSignal.any([signal, this.#ending.signal])
  }

  async run(): Promise<void> {
    const { topic, partition } = this.#log
    const delivery = this.#spec.open(
      { topic, partition },
      {
        acknowledge: (first, last) => this.#acknowledge(() => this.#prefix.acknowledge(first, last)),
        deadLetter: (record, letter) => this.#acknowledge(() => this.#prefix.deadLetter(record.offset, letter)),
      },
    )
    try {
      while (!this.#signal.aborted && !this.#isThrough()) await this.#step(delivery)
      if (this.#failure !== undefined) throw this.#failure.error
    } finally {
      this.#isRevoked = true
      delivery.revoked()
      this.#ending.abort()
      await this.#committing
      if (this.#log.canCommit) await this.#commitOnce().catch((error: unknown) => this.#spec.onError?.(error))
    }
  }

  /** The stretch is read and acknowledged, and its end committed. */
  #isThrough(): boolean {
    return this.#log.isRead && this.#prefix.outstanding === 0 && this.#prefix.committable() === undefined
  }

  async #step(delivery: PartitionDelivery): Promise<void> {
    if (this.#log.isRead || this.#prefix.outstanding >= outstandingRecordsMax) {
      await (this.#prefix.outstanding === 0 ? this.#committing : this.#acknowledgement())
      return
    }
    const { batchRecordsMax, batchBytesMax } = this.#spec
    const step = await this.#log.read(batchRecordsMax, batchBytesMax, this.#signal)
    if (step.kind === 'passed') return this.#acknowledge(() => this.#prefix.pass(step.next))
    if (step.kind === 'letter') {
      this.#prefix.track([step.offset], step.next)
      return this.#acknowledge(() => this.#prefix.deadLetter(step.offset, step.letter))
    }
    this.#prefix.track(
      step.records.map(({ offset }) => offset),
      step.next,
    )
    await orAborted(delivery.deliver(step.records), this.#signal)
    this.#log.succeeded()
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

  /** Commits until nothing new is acknowledged; a failure is tried again, without giving the records out anew, or ends this life. */
  async #commitAll(): Promise<void> {
    try {
      while (this.#prefix.committable() !== undefined && !this.#signal.aborted) {
        try {
          await this.#commitOnce()
        } catch (error) {
          await this.#log.commitFailed(error, this.#signal)
        }
        await this.#log.pace?.(this.#signal)
      }
    } catch (error) {
      this.#failure = { error }
      this.#ending.abort(error)
    }
    // Here, not when the promise settles: an acknowledgement in between would find nobody to commit it.
    this.#committing = undefined
  }

  async #commitOnce(): Promise<void> {
    const committable = this.#prefix.committable()
    if (committable === undefined) return
    await this.#log.commit(committable)
    this.#prefix.committed(committable.offset)
  }
}
