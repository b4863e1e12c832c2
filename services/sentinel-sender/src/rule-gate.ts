/** The pause all requests to one data collection rule keep: its limits are the rule's, whichever stream hit them first. And the hold
 *  while somebody has to act, which is tried again less and less often. */
import type { Clock } from '@siem-relay/common'
import { backoffMs } from '@siem-relay/service-kit'

/** After a 429 that does not say how long: this, and up to as much again, doubling each time. */
const throttlePolicy = { minMs: 2_000, maxMs: 2 * 60_000 }
/** Never in step with everybody else who was told the same. */
const jitterMs = 1_000
const holdPolicy = { minMs: 15_000, maxMs: 5 * 60_000 }

export class RuleGate {
  readonly #clock: Clock
  readonly #random: () => number
  #untilMs = Number.NEGATIVE_INFINITY
  #throttles = 0
  #holds = 0

  constructor(clock: Clock, random: () => number) {
    this.#clock = clock
    this.#random = random
  }

  /** Resolves when requests may go out. @throws the signal's reason. */
  async pass(signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted()
      const waitMs = this.#untilMs - this.#clock.monotonicMs()
      if (waitMs <= 0) return
      await this.#clock.sleep(waitMs, signal)
    }
  }

  /** Azure said to slow down. @returns the pause in milliseconds. */
  throttled(retryAfterMs: number | undefined): number {
    this.#throttles++
    const ownMs = throttlePolicy.minMs + backoffMs(this.#throttles, throttlePolicy, this.#random)
    return this.#pause(retryAfterMs === undefined ? ownMs : retryAfterMs + Math.floor(this.#random() * jitterMs))
  }

  /** Nothing can be stored until somebody acts. @returns the pause in milliseconds. */
  held(): number {
    // Requests that were on their way together are refused together: that counts once.
    if (this.#untilMs > this.#clock.monotonicMs()) return this.#untilMs - this.#clock.monotonicMs()
    this.#holds++
    const ceilingMs = Math.min(holdPolicy.maxMs, holdPolicy.minMs * 2 ** Math.min(this.#holds - 1, 10))
    return this.#pause(ceilingMs)
  }

  stored(): void {
    this.#throttles = 0
    this.#holds = 0
  }

  #pause(ms: number): number {
    this.#untilMs = Math.max(this.#untilMs, this.#clock.monotonicMs() + ms)
    return ms
  }
}
