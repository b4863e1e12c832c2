/** `siem-relay lag`: how far behind each agent is, and whether it catches up. */
import type { AgentLag } from '@siem-relay/control'
import type { Terminal } from '../terminal.ts'
import { tableLines } from './table.ts'
import { durationText } from './time.ts'
import { type ControlOptions, withControl } from './with-control.ts'

export interface LagOptions extends ControlOptions {
  readonly agent?: string
  /** Seconds over which rates are measured. */
  readonly over: number
  readonly json?: boolean
}

/** @throws {RelayError} `RELAY_USAGE`, `RELAY_CONTROL_FAILED`, and what opening the log throws. */
export async function lag(options: LagOptions, terminal: Terminal): Promise<void> {
  await withControl(options, terminal, async ({ control, isAlone }) => {
    // Where no relay runs nothing moves: no need to wait for it.
    const windowMs = isAlone ? 0 : options.over * 1_000
    const agents = await control.lag({ windowMs, ...(options.agent === undefined ? {} : { agent: options.agent }) })
    if (options.json === true) {
      terminal.stdout.write(`${JSON.stringify(agents)}\n`)
      return
    }
    if (isAlone) terminal.stderr.write('No relay runs on this log: nothing moves.\n')
    terminal.stdout.write(tableText(agents))
  })
}

function tableText(agents: readonly AgentLag[]): string {
  const lines = tableLines([
    ['agent', 'not formatted', 'not delivered', 'oldest', 'in/s', 'out/s', 'caught up in'],
    ...agents.map(({ agent, formatter, sender, oldestSeconds, catchUpSeconds }) => [
      agent,
      String(formatter.pending),
      String(sender.pending),
      oldestSeconds === undefined ? '-' : durationText(oldestSeconds),
      formatter.inPerSecond.toFixed(1),
      sender.outPerSecond.toFixed(1),
      catchUpSeconds === undefined ? 'not at this rate' : durationText(catchUpSeconds),
    ]),
  ])
  return `${lines.join('\n')}\n`
}
