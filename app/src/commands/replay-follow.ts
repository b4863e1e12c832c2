/** Watches a replay until it ends or the user has seen enough: the replay is the relay's and goes on without anybody watching. */
import { RelayError } from '@siem-relay/common'
import type { Control, ReplayStatus } from '@siem-relay/control'
import { systemClock } from '@siem-relay/service-kit'
import type { Terminal } from '../terminal.ts'
import { createProgress } from './progress.ts'

const lookMs = 500

/** @returns the status when it ended, or when the user left. */
export async function followReplay(
  control: Control,
  id: string,
  terminal: Terminal,
  { isOnce }: { readonly isOnce: boolean },
): Promise<ReplayStatus> {
  const leaving = new AbortController()
  const progress = createProgress(terminal)
  const unlisten = terminal.onInterrupt(() => leaving.abort())
  try {
    for (;;) {
      const status = (await control.replays()).find(({ job }) => job.id === id)
      if (status === undefined) throw new RelayError('RELAY_USAGE', `there is no replay ${id}; --list shows them`)
      const isEnded = status.job.state !== 'running'
      if (status.job.state === 'running' || status.job.state === 'done')
        progress.show(status.share, `${status.replayed} messages`)
      if (isEnded || isOnce) return status
      if (leaving.signal.aborted) {
        progress.end()
        terminal.stderr.write(
          `The replay goes on. Follow it: siem-relay replay --follow ${id}   Cancel it: siem-relay replay --cancel ${id}\n`,
        )
        return status
      }
      await systemClock.sleep(lookMs, leaving.signal).catch(() => undefined)
    }
  } finally {
    progress.end()
    unlisten()
  }
}
