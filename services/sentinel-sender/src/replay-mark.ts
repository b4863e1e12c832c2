/** The mark of a replayed row: the job's id in a column of its table. Job ids need no escaping. */
import type { EventKind } from '@siem-relay/common'

/** @param row JSON of an object with at least one member. */
export function markRow(row: Buffer, kind: EventKind | undefined, jobId: string): Buffer {
  const members =
    kind === 'activity'
      ? `,"DeviceCustomString6Label":"replayJob","DeviceCustomString6":"${jobId}"}`
      : `,"ReplayJob":"${jobId}"}`
  return Buffer.concat([row.subarray(0, -1), Buffer.from(members, 'latin1')])
}
