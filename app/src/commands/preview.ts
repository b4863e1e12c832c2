/** `siem-relay preview`: what an agent would make of records, with the functions the formatter itself uses. */

import { hostname } from 'node:os'
import { type AgentDefinition, RelayError } from '@siem-relay/common'
import { createJudge, type Previewed } from '@siem-relay/control'
import { findConfigFile, loadRelayConfig } from '../config/load.ts'
import type { RelayConfig } from '../config/schema.ts'
import { openControl } from '../control/open.ts'
import type { Terminal } from '../terminal.ts'
import { version } from '../version.ts'
import { readPreviewRecords } from './preview-records.ts'
import { type ControlOptions, withControl, withData } from './with-control.ts'

export interface PreviewOptions extends ControlOptions {
  readonly agent: string
  readonly input?: string
  readonly sample?: boolean
  readonly limit: number
  readonly explain?: boolean
  readonly json?: boolean
}

/** @throws {RelayError} `RELAY_USAGE` for an agent the configuration does not have; what opening the log throws. */
export async function preview(options: PreviewOptions, terminal: Terminal): Promise<void> {
  const { config } = loadRelayConfig(findConfigFile(options.config, terminal), terminal)
  const agent = await agentOf(config, options, terminal)
  const counts = { sent: 0, 'left out': 0, 'dead letter': 0 }
  for await (const previewed of judged(options, config, agent, terminal)) {
    counts[previewed.outcome] += 1
    terminal.stdout.write(options.json === true ? `${JSON.stringify(previewed)}\n` : textOf(previewed))
  }
  if (options.json !== true)
    terminal.stderr.write(
      `${counts.sent} would be sent, ${counts['left out']} left out, ${counts['dead letter']} would go to dead-letters\n`,
    )
}

/** Records of the log are judged where it is open, by the definition in this configuration: it may differ from the one that runs. */
async function* judged(
  options: PreviewOptions,
  config: RelayConfig,
  agent: AgentDefinition,
  terminal: Terminal,
): AsyncGenerator<Previewed> {
  const explain = options.explain === true
  if (options.input === undefined && options.sample !== true) {
    await using opened = await openControl(withData(config, options, terminal))
    yield* await opened.control.preview({ agent, limit: options.limit, explain })
    return
  }
  const judge = createJudge(agent, { explain, version, hostName: hostname(), nowMs: Date.now })
  for (const record of await readPreviewRecords(options, terminal)) yield judge(record)
}

/**
 * Of the configuration, else of the portal: the log has those.
 * @throws {RelayError} `RELAY_USAGE`
 */
export async function agentOf(
  config: RelayConfig,
  { agent: id, config: file, data }: ControlOptions & { readonly agent: string },
  terminal: Terminal,
): Promise<AgentDefinition> {
  const own = config.agents.find((candidate) => candidate.id === id)
  if (own !== undefined) return own
  const place = { ...(file === undefined ? {} : { config: file }), ...(data === undefined ? {} : { data }) }
  const agents = await withControl(place, terminal, ({ control }) => control.agents()).catch((error: unknown) => {
    // Without a log there is no agent but the configuration's.
    if (error instanceof RelayError && error.code === 'RELAY_USAGE') return config.agents
    throw error
  })
  const agent = agents.find((candidate) => candidate.id === id)
  if (agent !== undefined) return agent
  const known = agents.map((candidate) => candidate.id).join(', ') || 'none'
  throw new RelayError('RELAY_USAGE', `there is no agent ${id}; there are: ${known}`)
}

/** Lines hold no control characters; ids and reasons may, so they are shown as JSON. */
function textOf({ outcome, line, kind, id, reason, explanation }: Previewed): string {
  const head = line ?? `-- ${kind} ${JSON.stringify(id)}: ${outcome}, ${JSON.stringify(reason)}`
  const clauses =
    explanation?.clauses.map((clause) => `     ${clause.passed ? 'pass' : 'FAIL'}  ${clause.sentence}`) ?? []
  return `${[head, ...clauses].join('\n')}\n`
}
