/** The one way to a tenant's API: its request budget, the pause another request was told to make, and one request at a time,
 *  so that nobody asks while a "slow down" is on its way. A request that takes long lets the others by. */
import type { Clock } from '@siem-relay/common'
import { type Budget, backoffMs, createBudget } from '@siem-relay/service-kit'

interface Waiter {
  readonly priority: number
  readonly enter: () => void
}

/** A request that has been under way for this long no longer keeps others waiting. */
const patienceMs = 10_000
/** Pause after a 429 that does not say how long: this, and up to as much again, doubling each time. */
const throttlePause = { minMs: 5_000, maxMs: 5 * 60_000 }

export class TenantGate {
  readonly #clock: Clock
  readonly #random: () => number
  readonly #budget: Budget
  readonly #waiters: Waiter[] = []
  #isTaken = false
  #throttles = 0

  constructor(options: { readonly requestsPerMinute: number; readonly clock: Clock; readonly random: () => number }) {
    this.#clock = options.clock
    this.#random = options.random
    this.#budget = createBudget({ perMinute: options.requestsPerMinute, clock: options.clock })
  }

  /** Requests the budget allows at this moment. */
  get remaining(): number {
    return this.#budget.remaining()
  }

  /** So many requests per minute from now on; those of the last minute count. */
  allow(requestsPerMinute: number): void {
    this.#budget.allow(requestsPerMinute)
  }

  /**
   * Sends when budget, pause and the request before allow it.
   * @param priority lower goes first.
   * @param send makes exactly one API request.
   * @throws what `send` throws; the signal's reason when it is aborted while waiting.
   */
  async run<T>(priority: number, signal: AbortSignal, send: () => Promise<T>): Promise<T> {
    await this.#enter(priority, signal)
    let isInside = true
    const leave = (): void => {
      if (isInside) this.#leave()
      isInside = false
    }
    let cancel: (() => void) | undefined
    try {
      await this.#budget.take(priority, signal)
      cancel = this.#clock.after(patienceMs, leave)
      return await send()
    } finally {
      cancel?.()
      leave()
    }
  }

  /**
   * The API said to slow down: nobody asks before the time is over.
   * @param retryAfterMs undefined when it did not say how long. @returns the pause, in milliseconds.
   */
  throttled(retryAfterMs: number | undefined): number {
    this.#throttles++
    const pauseMs = retryAfterMs ?? throttlePause.minMs + backoffMs(this.#throttles, throttlePause, this.#random)
    this.#budget.pauseUntil(this.#clock.nowMs() + pauseMs)
    return pauseMs
  }

  /** The API answered as usual. */
  answered(): void {
    this.#throttles = 0
  }

  #enter(priority: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason)
      if (!this.#isTaken) {
        this.#isTaken = true
        return resolve()
      }
      const onAbort = (): void => {
        this.#waiters.splice(this.#waiters.indexOf(waiter), 1)
        reject(signal.reason)
      }
      const waiter = {
        priority,
        enter: () => {
          signal.removeEventListener('abort', onAbort)
          resolve()
        },
      }
      signal.addEventListener('abort', onAbort, { once: true })
      const place = this.#waiters.findIndex((other) => other.priority > priority)
      this.#waiters.splice(place === -1 ? this.#waiters.length : place, 0, waiter)
    })
  }

  #leave(): void {
    const next = this.#waiters.shift()
    if (next === undefined) this.#isTaken = false
    else next.enter()
  }
}
