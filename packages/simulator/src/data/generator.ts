/** A seeded stream of records: the same seed and the same calls give the same bytes. When records are made and where they
 *  go is left to the caller (`timeline.ts`, a test, the benchmark). */

import { generateActivity } from './activity-generator.ts'
import { generateAlert } from './alert-generator.ts'
import { generateDiscoveryRow } from './discovery-generator.ts'
import { createRandom } from './random.ts'
import type { ActivityRecord, AlertRecord, DiscoveryRowRecord } from './records.ts'

export interface Generator {
  /**
   * @param timeMs when it happened, Unix ms.
   * @param createdMs when the service saved it; seconds to hours later when not given.
   */
  activity(timeMs: number, createdMs?: number): ActivityRecord
  /** @param timeMs when it was triggered, Unix ms. */
  alert(timeMs: number): AlertRecord
  /** @param timeMs date of the discovery data, Unix ms. */
  discovery(timeMs: number): DiscoveryRowRecord
}

/** @param seed any integer; each kind draws from a stream of its own, so that none shifts another. */
export function createGenerator(seed: number): Generator {
  const forActivities = createRandom(seed * 2 + 1)
  const forAlerts = createRandom(seed * 2 + 2)
  const forDiscovery = createRandom(-seed - 1)
  return {
    activity: (timeMs, createdMs) => generateActivity(forActivities, timeMs, createdMs),
    alert: (timeMs) => generateAlert(forAlerts, timeMs),
    discovery: (timeMs) => generateDiscoveryRow(forDiscovery, timeMs),
  }
}
