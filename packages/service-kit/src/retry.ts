/** The one retry loop: exponential back-off with full jitter, obeying `dispositionOf`. What is retryable is decided where the
 *  error is made; this file only waits and tries again. */
import { type Clock, dispositionOf, RelayError } from '@siem-relay/common'

/** Longest wait another side may ask for (Retry-After); a longer one would look like a hang. */
const retryAfterMsMax = 15 * 60_000

export interface BackoffPolicy {
  /** Ceiling of the first wait. */
  readonly minMs: number
  /** Ceiling of every later wait. */
  readonly maxMs: number
}

export interface RetryPolicy extends BackoffPolicy {
  /** After this many attempts the last error is thrown; default: no end but the signal's. */
  readonly attemptsMax?: number
}

export interface RetryOptions {
  readonly clock: Clock
  readonly random: () => number
  readonly signal: AbortSignal
  readonly policy: RetryPolicy
  /** Told before every wait, for logs and counters. */
  readonly onRetry?: (retry: { readonly error: unknown; readonly attempt: number; readonly waitMs: number }) => void
}

/**
 * How long to wait after failed attempt `attempt` (the first is 1): uniform between 0 and `minMs · 2^(attempt-1)`, at most `maxMs`.
 * @see https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/ "Full Jitter"
 */
export function backoffMs(attempt: number, { minMs, maxMs }: BackoffPolicy, random: () => number): number {
  // 2^30 times any sensible minMs is beyond maxMs; the cap keeps the power finite after years of attempts.
  const ceilingMs = Math.min(maxMs, minMs * 2 ** Math.min(Math.max(attempt - 1, 0), 30))
  return Math.floor(random() * ceilingMs)
}

/**
 * Does the work until it succeeds.
 * @param work gets the attempt's number, from 1.
 * @throws the work's error when its disposition is `stop` or `dead-letter` or the attempts are used up; the signal's reason
 *   once it is aborted, also in the middle of a wait.
 */
export async function retry<T>(work: (attempt: number) => Promise<T>, options: RetryOptions): Promise<T> {
  const { clock, signal, policy } = options
  for (let attempt = 1; ; attempt++) {
    signal.throwIfAborted()
    try {
      return await work(attempt)
    } catch (error) {
      signal.throwIfAborted()
      if (dispositionOf(error) !== 'retry' || attempt >= (policy.attemptsMax ?? Number.POSITIVE_INFINITY)) throw error
      const waitMs = waitAfter(error, attempt, options)
      options.onRetry?.({ error, attempt, waitMs })
      await clock.sleep(waitMs, signal)
    }
  }
}

/** At least what the other side asked for, and never in step with everybody else who was told the same. */
function waitAfter(error: unknown, attempt: number, { policy, random }: RetryOptions): number {
  const ownMs = backoffMs(attempt, policy, random)
  const askedMs = error instanceof RelayError ? error.retryAfterMs : undefined
  if (askedMs === undefined || !(askedMs >= 0)) return ownMs
  return Math.max(ownMs, Math.min(retryAfterMsMax, askedMs + backoffMs(1, policy, random)))
}
