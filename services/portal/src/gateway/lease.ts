/** Who holds an agent's lease, and until when it is theirs alone: one process works for an agent at a time. */
import { randomBytes } from 'node:crypto'
import { agentLimits, type Clock, type LeaseRequest, printable } from '@siem-relay/common'
import { leaseHeld, leaseLost } from './refusals.ts'

/** A holder has a poll open nearly always: one whose line broke gets so long to come back before another may take over, */
const brokenLineMs = 5_000
/** and one that does not ask again after an answer so long. */
const pauseMs = 10_000
/** A holder that is gone keeps its place so long while nobody else wants it: after an outage it goes on without repeats. */
const forgottenMs = 120_000

/** Who asks. */
export interface Asking {
  /** What tells this token from the others of the agent. */
  readonly token: string
  readonly isTokenValid: () => boolean
}

export interface Lease extends Asking {
  readonly id: string
  readonly instance: string
  readonly host: string
  readonly version: string
  readonly sinceMs: number
  askedMs: number
  /** On the monotonic clock: when another may take over. */
  freeAtMs: number
}

export class LeaseHolding {
  readonly #clock: Clock
  #lease: Lease | undefined
  #last: Lease | undefined
  #pollsOpen = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** In force, though perhaps free for another to take over. */
  get lease(): Lease | undefined {
    return this.#lease
  }

  /** Whoever holds it, or held it last. */
  get last(): Lease | undefined {
    return this.#last
  }

  get isHeld(): boolean {
    return this.#lease !== undefined && this.#clock.monotonicMs() < this.#lease.freeAtMs
  }

  get isForgotten(): boolean {
    return this.#lease !== undefined && this.#clock.monotonicMs() > this.#lease.freeAtMs + forgottenMs
  }

  /** @throws {ApiError} `lease_held` while another process of the same token works. */
  assertFreeFor(instance: string, token: string): void {
    const held = this.#lease
    const restMs = held === undefined ? 0 : held.freeAtMs - this.#clock.monotonicMs()
    if (held !== undefined && held.instance !== instance && held.token === token && restMs > 0)
      throw leaseHeld(held.host, Math.min(5, Math.ceil(restMs / 1_000)))
  }

  begin(request: LeaseRequest, asking: Asking): Lease {
    const nowMs = this.#clock.nowMs()
    const lease: Lease = {
      ...asking,
      id: randomBytes(16).toString('base64url'),
      instance: request.instance,
      host: printable(request.host),
      version: printable(request.version),
      sinceMs: nowMs,
      askedMs: nowMs,
      freeAtMs: 0,
    }
    this.#lease = lease
    this.#last = lease
    this.#renew(lease)
    return lease
  }

  end(): void {
    this.#lease = undefined
  }

  /** Whoever asks under the lease in force, which lasts longer by that. @throws {ApiError} `lease_lost` */
  askedBy(id: string, token: string): Lease {
    const lease = this.#lease
    if (lease?.id !== id || lease.token !== token) throw leaseLost()
    this.#renew(lease)
    return lease
  }

  pollBegins(lease: Lease): void {
    this.#pollsOpen += 1
    this.#renew(lease)
  }

  pollEnds(lease: Lease): void {
    this.#pollsOpen -= 1
    if (this.#pollsOpen === 0) this.#freeWithin(lease, pauseMs)
  }

  /** The line of a waiting poll broke: perhaps whoever asked is gone. */
  lineBroke(id: string): void {
    const lease = this.#lease
    if (lease?.id === id && this.#pollsOpen === 1) this.#freeWithin(lease, brokenLineMs)
  }

  #renew(lease: Lease): void {
    lease.askedMs = this.#clock.nowMs()
    lease.freeAtMs = this.#clock.monotonicMs() + (this.#pollsOpen > 0 ? agentLimits.leaseMs : pauseMs)
  }

  #freeWithin(lease: Lease, ms: number): void {
    lease.freeAtMs = Math.min(lease.freeAtMs, this.#clock.monotonicMs() + ms)
  }
}
