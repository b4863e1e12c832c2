/** One request budget shared by everything that calls the same account: never more than `perMinute` in any 60 s, the most
 *  urgent first. Waiting for an answer, retrying and Retry-After parsing are the callers'. */
import { type Clock, RelayError } from '@siem-relay/common'

const windowMs = 60_000
/** Longest pause another side may impose; beyond it a wrong Retry-After would look like a hang. */
const pauseMsMax = 15 * 60_000
/** Callers wait for their turn one request at a time, so the queue is as long as there are pollers; more is a mistake. */
const waitersMax = 1_000

export interface Budget {
  /**
   * Resolves when a request may be made; it counts from then on.
   * @param priority lower goes first; equals go in the order they came.
   * @throws the signal's reason when it is aborted first; `RELAY_SOURCE_THROTTLED` above 1000 waiting callers.
   */
  take(priority: number, signal: AbortSignal): Promise<void>
  /** Nobody gets a turn before this time (milliseconds since the epoch; at most 15 minutes from now). Never shortens a pause. */
  pauseUntil(timeMs: number): void
  /** Requests that could be made at this moment; 0 during a pause. */
  remaining(): number
  /** So many per minute from now on; the requests of the last minute count. */
  allow(perMinute: number): void
}

interface Waiter {
  readonly priority: number
  readonly grant: () => void
}

/** @param perMinute requests allowed in any 60 s, at least 1. */
export function createBudget(options: { readonly perMinute: number; readonly clock: Clock }): Budget {
  const { clock } = options
  let perMinute = checkedRate(options.perMinute)
  // Monotonic times throughout: a wall clock that is set back must neither stall nor double the budget.
  const grantedMs: number[] = []
  const waiters: Waiter[] = []
  let pausedUntilMs = 0
  let cancelTimer: (() => void) | undefined

  function remaining(): number {
    const nowMs = clock.monotonicMs()
    while (grantedMs[0] !== undefined && grantedMs[0] <= nowMs - windowMs) grantedMs.shift()
    return nowMs < pausedUntilMs ? 0 : Math.max(0, perMinute - grantedMs.length)
  }

  function serve(): void {
    cancelTimer?.()
    cancelTimer = undefined
    for (let free = remaining(); free > 0 && waiters.length > 0; free--) {
      grantedMs.push(clock.monotonicMs())
      waiters.shift()?.grant()
    }
    if (waiters.length === 0) return
    const nowMs = clock.monotonicMs()
    const oldestMs =
      grantedMs.length >= perMinute ? (grantedMs[grantedMs.length - perMinute] ?? nowMs) + windowMs : nowMs
    // At least 1 ms, so that a timer that fires early cannot turn this into a busy loop.
    cancelTimer = clock.after(Math.max(1, Math.max(oldestMs, pausedUntilMs) - nowMs), serve)
  }

  return {
    remaining,
    allow(rate) {
      perMinute = checkedRate(rate)
      serve()
    },
    pauseUntil(timeMs) {
      const pauseMs = Math.min(timeMs - clock.nowMs(), pauseMsMax)
      if (!(pauseMs > 0)) return
      pausedUntilMs = Math.max(pausedUntilMs, clock.monotonicMs() + pauseMs)
      serve()
    },
    take(priority, signal) {
      return new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason)
        if (waiters.length >= waitersMax)
          return reject(new RelayError('RELAY_SOURCE_THROTTLED', `${waitersMax} requests already wait for their turn`))
        const waiter: Waiter = {
          priority,
          grant: () => {
            signal.removeEventListener('abort', onAbort)
            resolve()
          },
        }
        function onAbort(): void {
          waiters.splice(waiters.indexOf(waiter), 1)
          reject(signal.reason)
          serve()
        }
        signal.addEventListener('abort', onAbort, { once: true })
        const place = waiters.findIndex((other) => other.priority > priority)
        waiters.splice(place === -1 ? waiters.length : place, 0, waiter)
        serve()
      })
    },
  }
}

function checkedRate(perMinute: number): number {
  if (!Number.isSafeInteger(perMinute) || perMinute < 1)
    throw new RangeError(`perMinute is ${perMinute}; it must be a whole number of at least 1`)
  return perMinute
}
