/** Whether a source may go on: not while the log takes no records, since the source is the buffer then, and not while its credentials
 *  are refused. */
import type { Bus } from '@siem-relay/bus'
import { RelayError } from '@siem-relay/common'
import type { World } from '@siem-relay/service-kit'
import type { Hold } from './hold.ts'
import type { StreamReport } from './report.ts'

/** How often a log that takes nothing is looked at again. */
export const logCheckMs = 1_000

/** Why the log takes no records; undefined while it does. */
export function closedReason(bus: Pick<Bus, 'intake'>): RelayError | undefined {
  const intake = bus.intake()
  return intake.open ? undefined : new RelayError('RELAY_LOG_FULL', `the log takes no records: ${intake.reason}`)
}

/** Resolves when a stream may ask its API. @throws the signal's reason. */
export async function untilAllowed(
  { world, hold, report }: { readonly world: World; readonly hold: Hold; readonly report: StreamReport },
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    signal.throwIfAborted()
    const closed = closedReason(world.bus)
    const heldMs = hold.remainingMs()
    if (closed === undefined && heldMs <= 0) return
    if (closed === undefined) report.trouble('error', hold.error)
    else report.trouble('waiting', closed)
    await world.clock.sleep(closed === undefined ? heldMs : logCheckMs, signal)
  }
}
