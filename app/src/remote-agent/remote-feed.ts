/** A worker of the sender's whose partitions come from the portal. The same contract as `deliver` of a log. */
import type { Worker } from '@siem-relay/bus'
import type { WireBatch } from '@siem-relay/common'
import { type LifeParts, RemoteLife } from './remote-life.ts'

export interface FeedParts extends LifeParts {
  /** A number that tells this opening of the feed from every earlier one of its group. */
  readonly nextOpening: () => number
  /** Asks the portal for it, from the committed place on. */
  readonly open: (feed: RemoteFeed) => void
  /** Waits between two tries after the sender failed. */
  readonly pause: () => Promise<void>
  /** Reports what was acknowledged, then takes the feed back. */
  readonly close: (feed: RemoteFeed) => Promise<void>
}

export class RemoteFeed implements Worker {
  /** Never: trouble is tried again for as long as it takes. */
  readonly failed: Promise<never> = new Promise(() => undefined)
  readonly #parts: FeedParts
  #opening: number
  #lives = new Map<number, RemoteLife>()
  #reopening: Promise<void> | undefined
  #stopping: Promise<void> | undefined

  constructor(parts: FeedParts) {
    this.#parts = parts
    this.#opening = parts.nextOpening()
    parts.open(this)
  }

  get group(): string {
    return this.#parts.spec.group
  }

  get opening(): number {
    return this.#opening
  }

  get lives(): Iterable<RemoteLife> {
    return this.#lives.values()
  }

  receive(batch: WireBatch): void {
    if (this.#stopping !== undefined || this.#reopening !== undefined) return
    let life = this.#lives.get(batch.life)
    if (life === undefined) {
      for (const older of this.#lives.values()) if (older.partition === batch.partition) this.end(older.id)
      life = new RemoteLife(batch, this.#parts)
      this.#lives.set(life.id, life)
    }
    life.give(batch, (error) => this.#failed(error))
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
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  async #stop(): Promise<void> {
    this.#revokeAll()
    await this.#reopening
    await this.#parts.close(this)
    this.#lives = new Map()
  }

  /** The sender threw: what it did not acknowledge is given again. */
  #failed(error: unknown): void {
    this.#parts.spec.onError?.(error)
    this.#reopening ??= this.#reopen()
  }

  async #reopen(): Promise<void> {
    this.#revokeAll()
    await this.#parts.close(this)
    this.#lives = new Map()
    await this.#parts.pause()
    this.#opening = this.#parts.nextOpening()
    this.#reopening = undefined
    if (this.#stopping === undefined) this.#parts.open(this)
  }

  #revokeAll(): void {
    for (const life of this.#lives.values()) life.revoke()
  }
}
