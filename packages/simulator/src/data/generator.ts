/** A seeded stream of records: the same seed and the same calls give the same bytes. When records are made and where they
 *  go is left to the caller (`timeline.ts`, a test, the benchmark). */

import { generateActivity } from './activity-generator.ts'
import { generateAlert } from './alert-generator.ts'
import { createRandom } from './random.ts'
import type { ActivityRecord, AlertRecord } from './records.ts'

export interface Generator {
  /**
   * @param timeMs when it happened, Unix ms.
   * @param createdMs when the service saved it; seconds to hours later when not given.
   */
  activity(timeMs: number, createdMs?: number): ActivityRecord
  /** @param timeMs when it was triggered, Unix ms. */
  alert(timeMs: number): AlertRecord
}

/** @param seed any integer; activities and alerts draw from separate streams, so one does not shift the other. */
export function createGenerator(seed: number): Generator {
  const forActivities = createRandom(seed * 2 + 1)
  const forAlerts = createRandom(seed * 2 + 2)
  return {
    activity: (timeMs, createdMs) => generateActivity(forActivities, timeMs, createdMs),
    alert: (timeMs) => generateAlert(forAlerts, timeMs),
  }
}
