/** Times that are no settings: the same for every installation, shorter in tests. */
import type { BackoffPolicy } from '@siem-relay/service-kit'

export interface SessionTuning {
  /** Between two tries to reach the portal. */
  readonly backoff: BackoffPolicy
  /** Between reports, so that acknowledgements that come one by one travel together. */
  readonly gapMs: number
  readonly heartbeatMs: number
  /** Messages confirmed by the receiver and not reported yet, beyond which no more are handed to the sender. */
  readonly unreportedMax: number
  /** Shortest wait of a poll, where something on the way cuts longer ones. */
  readonly waitMsMin: number
  /** For the portal to confirm that it has what a feed acknowledged. */
  readonly closeMs: number
  readonly releaseMs: number
  readonly standByMs: number
  /** A token that never worked ends the process after so many refusals. */
  readonly refusalsMax: number
  readonly refusedMsMin: number
  readonly refusedMsMax: number
  /** How often the token file is looked at meanwhile. */
  readonly lookMs: number
  readonly manyFailures: number
  /** Orders that could not be followed are tried again. */
  readonly ordersMs: number
}

export const sessionTuning: SessionTuning = {
  backoff: { minMs: 500, maxMs: 15_000 },
  gapMs: 20,
  heartbeatMs: 10_000,
  unreportedMax: 1_000,
  waitMsMin: 2_000,
  closeMs: 5_000,
  releaseMs: 1_000,
  standByMs: 5_000,
  refusalsMax: 3,
  refusedMsMin: 30_000,
  refusedMsMax: 300_000,
  lookMs: 2_000,
  manyFailures: 20,
  ordersMs: 30_000,
}
