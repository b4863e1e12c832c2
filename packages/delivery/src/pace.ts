/** A pace for sending: so many messages a second, computed from the clock, so that it neither drifts nor bunches up after a pause. */
import type { Clock } from '@siem-relay/common'

/** How much of a second may be made up for at once: enough to ride out a late timer, too little to flood a receiver. */
const burstSeconds = 0.02
/** How much of it is waited for: a timer for every single message would cost more than the sending. */
const waitedShare = 0.25

export interface Pace {
  /** Takes up to `wanted` messages of what may be sent now; 0 when none may. */
  take(wanted: number): number
  /** Counts messages sent beyond what was taken; later ones wait for them. */
  charge(messages: number): void
  /** When it is worth asking again, on the monotonic clock. */
  nextAtMs(): number
}

/** @param perSecond messages a second; undefined: no limit. */
export function createPace(perSecond: number | undefined, clock: Clock): Pace {
  if (perSecond === undefined) return { take: (wanted) => wanted, charge() {}, nextAtMs: () => clock.monotonicMs() }
  const burst = Math.max(1, perSecond * burstSeconds)
  const waitedFor = Math.max(1, Math.floor(burst * waitedShare))
  let tokens = burst
  let countedMs = clock.monotonicMs()
  const refill = (): void => {
    const nowMs = clock.monotonicMs()
    tokens = Math.min(burst, tokens + ((nowMs - countedMs) / 1_000) * perSecond)
    countedMs = nowMs
  }
  return {
    take(wanted) {
      refill()
      const taken = Math.max(0, Math.min(wanted, Math.floor(tokens)))
      tokens -= taken
      return taken
    },
    charge(messages) {
      tokens -= messages
    },
    nextAtMs() {
      refill()
      return countedMs + Math.ceil((Math.max(0, waitedFor - tokens) / perSecond) * 1_000)
    },
  }
}
