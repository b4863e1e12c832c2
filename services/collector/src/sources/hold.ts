/** What happens after credentials were refused: nobody of the source asks for a while, then one tries again, less and less
 *  often; a person may have put things right. */
import type { Clock } from '@siem-relay/common'

const minMs = 60_000
const maxMs = 15 * 60_000

/** Wait after the n-th refusal in a row: a minute, doubling up to 15 minutes. */
export function slowRetryMs(refusals: number): number {
  return Math.min(maxMs, minMs * 2 ** Math.min(Math.max(refusals - 1, 0), 10))
}

export class Hold {
  readonly #clock: Clock
  #untilMs = Number.NEGATIVE_INFINITY
  #refusals = 0
  #error: unknown

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Why the source is held. */
  get error(): unknown {
    return this.#error
  }

  remainingMs(): number {
    return Math.max(0, this.#untilMs - this.#clock.monotonicMs())
  }

  /** Streams that ask at the same time are refused together: that counts once. */
  refused(error: unknown): void {
    if (this.remainingMs() > 0) return
    this.#refusals++
    this.#error = error
    this.#untilMs = this.#clock.monotonicMs() + slowRetryMs(this.#refusals)
  }

  passed(): void {
    this.#refusals = 0
    this.#untilMs = Number.NEGATIVE_INFINITY
  }
}
