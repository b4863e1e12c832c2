/** `siem-relay forget`: discards what is kept for an agent that is no longer wanted. Messages that were not delivered are gone then,
 *  so it says how many there are, and asks. */
import { once } from 'node:events'
import { createInterface } from 'node:readline/promises'
import { RelayError } from '@siem-relay/common'
import type { Terminal } from '../terminal.ts'
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

async function isWanted(question: string, { stdin, stderr }: Terminal): Promise<boolean> {
  if (stdin.isTTY !== true)
    throw new RelayError('RELAY_USAGE', `${question} Say so with --yes; there is no terminal to ask on`)
  const dialogue = createInterface({ input: stdin, output: stderr, terminal: false })
  try {
    // A terminal that is closed instead of answering (Ctrl-D) means no.
    const closed = once(dialogue, 'close').then(() => '')
    const answer = await Promise.race([dialogue.question(`${question} [y/N] `), closed])
    return /^y(es)?$/i.test(answer.trim())
  } finally {
    dialogue.close()
  }
}
