/** The tenant's budget: so many requests in any sixty seconds, all API routes together. Refused requests cost nothing. */

const windowMs = 60_000

export class RateLimit {
  readonly #requestsPerMinute: number
  #timesMs: number[] = []

  constructor(requestsPerMinute: number) {
    this.#requestsPerMinute = requestsPerMinute
  }

  /** Takes one request from the budget. @returns 0, or the milliseconds until there is room again. */
  take(nowMs: number): number {
    if (!Number.isFinite(this.#requestsPerMinute)) return 0
    this.#timesMs = this.#timesMs.filter((timeMs) => timeMs > nowMs - windowMs)
    const oldestMs = this.#timesMs[0]
    if (this.#timesMs.length >= this.#requestsPerMinute) return (oldestMs ?? nowMs) + windowMs - nowMs
    this.#timesMs.push(nowMs)
    return 0
  }
}
