/** A question before something that cannot be undone. */
import { once } from 'node:events'
import { createInterface } from 'node:readline/promises'
import { RelayError } from '@siem-relay/common'
import type { Terminal } from '../terminal.ts'

/** @throws {RelayError} `RELAY_USAGE` where nobody can be asked. */
export async function isWanted(question: string, { stdin, stderr }: Terminal): Promise<boolean> {
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
