/** `siem-relay sources`: how each source is, and what a person can do about those in trouble. */
import { printableJson } from '@siem-relay/common'
import type { Terminal } from '../terminal.ts'
import { sourcesText } from './sources-text.ts'
import { type ControlOptions, withControl } from './with-control.ts'

export interface SourcesOptions extends ControlOptions {
  readonly json?: boolean
}

/** @throws {RelayError} `RELAY_CONTROL_FAILED`, and what opening the log throws. */
export async function sources(options: SourcesOptions, terminal: Terminal): Promise<void> {
  await withControl(options, terminal, async ({ control, isAlone }) => {
    const views = await control.sources()
    if (options.json === true) {
      terminal.stdout.write(`${printableJson(views)}\n`)
      return
    }
    if (isAlone) terminal.stderr.write('No relay runs on this log: nothing is collected.\n')
    terminal.stdout.write(sourcesText(views, Date.now()))
  })
}
