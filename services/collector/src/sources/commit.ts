/** Commits until the log has it, or never will: nothing is read from the source meanwhile. */
import type { Writer } from '@siem-relay/bus'
import { dispositionOf } from '@siem-relay/common'
import type { World } from '@siem-relay/service-kit'
import type { StreamReport } from './report.ts'
import { closedReason, logCheckMs } from './room.ts'

type Changes = Parameters<Writer['commit']>[0]

/** @throws what says that the log is lost to this owner; the signal's reason. */
export async function commitAtLast(
  commit: (changes: Changes) => Promise<void>,
  changes: Changes,
  { clock, bus }: World,
  report: StreamReport,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    try {
      return await commit(changes)
    } catch (error) {
      if (dispositionOf(error) !== 'retry') throw error
      report.trouble('waiting', error)
      await clock.sleep(logCheckMs, signal)
      while (closedReason(bus) !== undefined) await clock.sleep(logCheckMs, signal)
    }
  }
}
