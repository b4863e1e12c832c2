/** Looks at a link while bytes are on their way: how many the receiver's kernel acknowledged (where Linux shows it), and
 *  whether anything moves at all. Gives facts and rings the bell; what they mean is decided by the confirmation. */
import type { Clock } from '@siem-relay/common'
import type { Bell } from '@siem-relay/delivery'
import type { KernelQueues } from '../proc-net-tcp.ts'
import type { StreamLink } from './stream-link.ts'

export interface LinkFacts {
  /** Bytes the receiver's kernel acknowledged at least; plain TCP only, since TLS bytes are not ours. */
  readonly acknowledgedBytes: number
  /** Every byte handed over when the look began was acknowledged: holds for TLS too. */
  readonly allAcknowledgedUpTo: number
  readonly atMs: number
}

export class LinkWatch {
  readonly #link: StreamLink
  readonly #queues: KernelQueues | undefined
  readonly #clock: Clock
  readonly #bell: Bell
  #facts: LinkFacts | undefined
  #isLooking = false
  #lastLookMs: number
  #acknowledgedBytes = 0
  #stuckSinceMs: number | undefined
  #notFoundSinceMs: number | undefined

  constructor(link: StreamLink, queues: KernelQueues | undefined, clock: Clock, bell: Bell) {
    this.#link = link
    this.#queues = queues
    this.#clock = clock
    this.#bell = bell
    this.#lastLookMs = clock.monotonicMs()
  }

  /** What the last look found; undefined before the first, and where the kernel shows nothing. */
  get facts(): LinkFacts | undefined {
    return this.#facts
  }

  /** Whether the receiver's kernel is known to have every byte handed over so far. */
  get allAcknowledged(): boolean {
    return this.#facts?.allAcknowledgedUpTo === this.#link.handedBytes
  }

  /** Whether looking can tell anything: on Linux, and the connection is in its table (or has not been missing for long). */
  canSee(graceMs: number): boolean {
    if (this.#queues === undefined) return false
    return this.#notFoundSinceMs === undefined || this.#clock.monotonicMs() - this.#notFoundSinceMs < graceMs
  }

  /** For how long the last looks found bytes on their way and none arriving, in milliseconds. */
  get stuckForMs(): number {
    return this.#stuckSinceMs === undefined ? 0 : this.#lastLookMs - this.#stuckSinceMs
  }

  /**
   * Takes a look when the last one is `everyMs` old. Call it on every turn of the loop.
   * @returns when the next look is due; undefined while there is nothing to look for.
   */
  look(everyMs: number): number | undefined {
    if (this.#isLooking || this.#link.handedBytes === 0 || this.#link.closed) return undefined
    if (this.#queues === undefined ? this.#link.pendingBytes === 0 : this.allAcknowledged) return undefined
    const dueMs = this.#lastLookMs + everyMs
    if (this.#clock.monotonicMs() < dueMs) return dueMs
    void this.#take()
    return undefined
  }

  async #take(): Promise<void> {
    this.#isLooking = true
    // Taken before the kernel is asked: what is written meanwhile only makes the answer more careful.
    const { handedBytes, flushedBytes } = this.#link
    const txQueue = await this.#queues?.unacknowledgedBytes(this.#link.key)
    const nowMs = this.#clock.monotonicMs()
    this.#noteMovement(handedBytes > flushedBytes || (txQueue ?? 0) > 0, flushedBytes - (txQueue ?? 0), nowMs)
    if (txQueue === undefined) this.#notFoundSinceMs ??= nowMs
    else {
      this.#notFoundSinceMs = undefined
      const isAll = txQueue === 0 && flushedBytes === handedBytes
      this.#facts = {
        acknowledgedBytes: this.#link.isTls ? 0 : Math.max(0, flushedBytes - txQueue),
        allAcknowledgedUpTo: isAll ? handedBytes : (this.#facts?.allAcknowledgedUpTo ?? 0),
        atMs: nowMs,
      }
    }
    this.#lastLookMs = nowMs
    this.#isLooking = false
    this.#bell.ring()
  }

  /** Under TLS the two counts differ by its overhead, which is small against what moves. */
  #noteMovement(isOutstanding: boolean, acknowledgedBytes: number, nowMs: number): void {
    if (!isOutstanding) this.#stuckSinceMs = undefined
    else if (acknowledgedBytes > this.#acknowledgedBytes) this.#stuckSinceMs = nowMs
    else this.#stuckSinceMs ??= nowMs
    this.#acknowledgedBytes = acknowledgedBytes
  }
}
