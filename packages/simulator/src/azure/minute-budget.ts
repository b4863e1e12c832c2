/** A rule's budget: so many requests and so many bytes of rows in a minute, which begins with its first request. */

export interface BudgetLimits {
  readonly requestsPerMinute: number
  readonly bytesPerMinute: number
}

const minuteMs = 60_000

export class MinuteBudget {
  readonly #limits: BudgetLimits
  #startMs = Number.NEGATIVE_INFINITY
  #requests = 0
  #bytes = 0

  constructor(limits: BudgetLimits) {
    this.#limits = limits
  }

  /** Takes a request from the budget; one that finds it used up costs nothing. @returns 0, or the seconds until the next minute. */
  take(bytes: number, nowMs: number): number {
    if (nowMs >= this.#startMs + minuteMs) {
      this.#startMs = nowMs
      this.#requests = 0
      this.#bytes = 0
    }
    // The request that crosses the limit of bytes still passes: the limits are soft.
    if (this.#requests >= this.#limits.requestsPerMinute || this.#bytes >= this.#limits.bytesPerMinute) {
      return Math.max(1, Math.ceil((this.#startMs + minuteMs - nowMs) / 1000))
    }
    this.#requests += 1
    this.#bytes += bytes
    return 0
  }
}
