/** How long to wait before the next connection: short and growing for a receiver that is away, long at once for what a person
 *  has to mend, and growing to minutes for one that never confirms, since every try sends it the same messages again. */
import type { RelayError } from '@siem-relay/common'
import { backoffMs } from '@siem-relay/service-kit'

const reconnect = { minMs: 100, maxMs: 30_000 }
const unconfirmed = { minMs: 5_000, maxMs: 300_000 }

export class ReconnectDelay {
  readonly #random: () => number
  readonly #slowRetryMs: number
  #failures = 0
  #unconfirmed = 0

  constructor(random: () => number, slowRetryMs: number) {
    this.#random = random
    this.#slowRetryMs = slowRetryMs
  }

  /** Something was confirmed: the next failure is the first again. */
  reset(): void {
    this.#failures = 0
    this.#unconfirmed = 0
  }

  /** Counts the failure; returns the wait in milliseconds. */
  after(error: RelayError): number {
    this.#failures++
    // Spread, so that many agents do not come back in step.
    if (error.disposition === 'stop') return Math.round(this.#slowRetryMs * (0.8 + 0.4 * this.#random()))
    if (error.code !== 'RELAY_RECEIVER_UNCONFIRMED') return backoffMs(this.#failures, reconnect, this.#random)
    this.#unconfirmed++
    // At least half of the ceiling: full jitter could come back at once and double everything.
    const ceilingMs = Math.min(unconfirmed.maxMs, unconfirmed.minMs * 2 ** Math.min(this.#unconfirmed - 1, 20))
    return ceilingMs / 2 + backoffMs(1, { minMs: ceilingMs / 2, maxMs: unconfirmed.maxMs }, this.#random)
  }
}
