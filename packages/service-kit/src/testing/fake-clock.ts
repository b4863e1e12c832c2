/** A clock that stands still until a test moves it. Time passes only in `advance`, which runs what falls due in the order of
 *  its time, letting the code under test go as far as it can between two timers. */
import type { Clock } from '@siem-relay/common'

interface Timer {
  readonly dueMs: number
  readonly order: number
  readonly callback: () => void
}

/** Turns of the event loop given to the code under test; each runs all promise jobs. */
const settleTurns = 4

export class FakeClock implements Clock {
  #wallMs: number
  #monotonicMs = 0
  #order = 0
  readonly #timers = new Set<Timer>()

  /** @param startMs wall-clock time at the start, milliseconds since the epoch. */
  constructor(startMs: number = Date.UTC(2026, 0, 1)) {
    this.#wallMs = startMs
  }

  nowMs(): number {
    return this.#wallMs
  }

  monotonicMs(): number {
    return this.#monotonicMs
  }

  /** Timers and sleeps not yet due: zero after a component closed shows that it left nothing behind. */
  get pending(): number {
    return this.#timers.size
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const cancel = this.after(ms, () => {
        signal?.removeEventListener('abort', onAbort)
        resolve()
      })
      function onAbort(): void {
        cancel()
        reject(signal?.reason)
      }
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  }

  after(ms: number, callback: () => void): () => void {
    const timer: Timer = { dueMs: this.#monotonicMs + Math.max(0, ms), order: this.#order++, callback }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  /** Lets time pass: every timer due within `ms` runs at its own time, also those set on the way. */
  async advance(ms: number): Promise<void> {
    await this.settle()
    const endMs = this.#monotonicMs + ms
    for (let next = this.#nextDue(endMs); next !== undefined; next = this.#nextDue(endMs)) {
      this.#moveTo(next.dueMs)
      this.#timers.delete(next)
      next.callback()
      await this.settle()
    }
    this.#moveTo(endMs)
  }

  /** Lets everything run that can run without time passing. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < settleTurns; turn++) await new Promise<void>((resolve) => setImmediate(resolve))
  }

  /** The wall clock jumps, as after an NTP step; timers and `monotonicMs` do not notice. */
  jumpWallClock(ms: number): void {
    this.#wallMs += ms
  }

  #nextDue(endMs: number): Timer | undefined {
    let first: Timer | undefined
    for (const timer of this.#timers)
      if (timer.dueMs <= endMs && (first === undefined || isBefore(timer, first))) first = timer
    return first
  }

  #moveTo(monotonicMs: number): void {
    this.#wallMs += monotonicMs - this.#monotonicMs
    this.#monotonicMs = monotonicMs
  }
}

function isBefore(left: Timer, right: Timer): boolean {
  return left.dueMs < right.dueMs || (left.dueMs === right.dueMs && left.order < right.order)
}
