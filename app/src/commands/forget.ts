/** `siem-relay forget`: discards what is kept for an agent that is no longer wanted. Messages that were not delivered are gone then,
 *  so it says how many there are, and asks. */
import type { Terminal } from '../terminal.ts'
import { isWanted } from './ask.ts'
import { countText } from './time.ts'
import { type ControlOptions, withControl } from './with-control.ts'

export interface ForgetOptions extends ControlOptions {
  readonly agent: string
  readonly yes?: boolean
}

/** @throws {RelayError} `RELAY_USAGE` for an agent that is enabled, and without --yes where nobody can be asked. */
export async function forget({ agent, yes, ...options }: ForgetOptions, terminal: Terminal): Promise<void> {
  await withControl(options, terminal, async ({ control }) => {
    const kept = await control.forget({ agent, isDryRun: true })
    const stored = countText(kept.stored, 'message', 'messages')
    const what = `${stored} of agent ${agent}, ${kept.undelivered.toLocaleString('en-US')} of them not delivered`
    if (yes !== true && !(await isWanted(`Discard ${what}?`, terminal))) {
      terminal.stderr.write('Nothing was discarded.\n')
      terminal.setExitCode(1)
      return
    }
    const gone = await control.forget({ agent })
    const goneText = countText(gone.stored, 'message', 'messages')
    terminal.stdout.write(
      `agent ${agent} is forgotten: ${goneText} discarded, ${gone.undelivered.toLocaleString('en-US')} of them not delivered\n`,
    )
  })
}
