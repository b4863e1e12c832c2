/** A worker of the sender's whose partitions come from the portal. The same contract as `deliver` of a log. */
import type { DeliverSpec, Worker } from '@siem-relay/bus'
import type { WireBatch } from '@siem-relay/common'
import { RemoteLife } from './remote-life.ts'

export interface FeedParts {
  readonly spec: DeliverSpec
  /** Tells this feed from an earlier one of the same group. */
  readonly opening: number
  /** There is something to report. */
  readonly changed: () => void
  /** Reports what was acknowledged, then takes the feed back. */
  readonly close: (feed: RemoteFeed) => Promise<void>
}

export class RemoteFeed implements Worker {
  readonly failed: Promise<never>
  readonly fail: (error: unknown) => void
  readonly opening: number
  readonly #parts: FeedParts
  #lives = new Map<number, RemoteLife>()
  #isStopping: Promise<void> | undefined

  constructor(parts: FeedParts) {
    const { promise, reject } = Promise.withResolvers<never>()
    promise.catch(() => undefined)
    this.failed = promise
    this.fail = reject
    this.opening = parts.opening
    this.#parts = parts
  }

  get group(): string {
    return this.#parts.spec.group
  }

  get lives(): Iterable<RemoteLife> {
    return this.#lives.values()
  }

  receive(batch: WireBatch): void {
    if (this.#isStopping !== undefined) return
    let life = this.#lives.get(batch.life)
    if (life === undefined) {
      for (const older of this.#lives.values()) if (older.partition === batch.partition) this.end(older.id)
      life = new RemoteLife(batch, this.#parts.spec, this.#parts.changed)
      this.#lives.set(life.id, life)
    }
    life.give(batch, (error) => {
      this.#parts.spec.onError?.(error)
      this.fail(error)
    })
  }

  /** The partition is with somebody else. */
  end(life: number): void {
    const ended = this.#lives.get(life)
    this.#lives.delete(life)
    ended?.revoke()
  }

  /** The lease is over: everything is given anew under the next one, and nothing of this one counts any more. */
  leaseEnded(): void {
    for (const life of [...this.#lives.keys()]) this.end(life)
  }

  stop(): Promise<void> {
    this.#isStopping ??= this.#stop()
    return this.#isStopping
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  async #stop(): Promise<void> {
    for (const life of this.#lives.values()) life.revoke()
    await this.#parts.close(this)
    this.#lives = new Map()
  }
}
