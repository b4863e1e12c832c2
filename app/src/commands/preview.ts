/** `siem-relay preview`: what an agent would make of records, with the functions the formatter itself uses. */

import { hostname } from 'node:os'
import {
  type AgentDefinition,
  createAgentHeader,
  createPipeline,
  type EventKind,
  type Explanation,
  explainFilter,
  normalize,
  type PipelineInput,
  RelayError,
  rawKindOf,
} from '@siem-relay/common'
import { findConfigFile, loadRelayConfig } from '../config/load.ts'
import type { RelayConfig } from '../config/schema.ts'
import type { Terminal } from '../terminal.ts'
import { version } from '../version.ts'
import { type PreviewRecord, readPreviewRecords } from './preview-records.ts'
import { withControl } from './with-control.ts'

export interface PreviewOptions {
  readonly config?: string
  readonly agent: string
  readonly input?: string
  readonly sample?: boolean
  readonly limit: number
  readonly explain?: boolean
  readonly json?: boolean
}

/** What became of one record. */
interface Previewed {
  readonly kind: EventKind
  readonly id: string
  readonly outcome: 'sent' | 'left out' | 'dead letter'
  /** The whole line as the receiver would get it. */
  readonly line?: string
  readonly reason?: string
  readonly explanation?: Explanation
}

/**
 * @throws {RelayError} `RELAY_USAGE` for an agent the configuration does not have, `RELAY_LOG_LOCKED` when the records are in
 *   the log of a running relay.
 */
export async function preview(options: PreviewOptions, terminal: Terminal): Promise<void> {
  const { config } = loadRelayConfig(findConfigFile(options.config, terminal), terminal)
  const agent = await agentOf(config, options, terminal)
  const judge = createJudge(agent, options.explain === true)
  const counts = { sent: 0, 'left out': 0, 'dead letter': 0 }
  for await (const record of readPreviewRecords(options, config, agent, terminal)) {
    const previewed = judge(record)
    counts[previewed.outcome] += 1
    terminal.stdout.write(options.json === true ? `${JSON.stringify(previewed)}\n` : textOf(previewed))
  }
  if (options.json !== true)
    terminal.stderr.write(
      `${counts.sent} would be sent, ${counts['left out']} left out, ${counts['dead letter']} would go to dead-letters\n`,
    )
}

/** Of the configuration, else of the portal: the log has those. */
async function agentOf(
  config: RelayConfig,
  { agent: id, config: file }: PreviewOptions,
  terminal: Terminal,
): Promise<AgentDefinition> {
  const own = config.agents.find((candidate) => candidate.id === id)
  if (own !== undefined) return own
  const agents = await withControl(file === undefined ? {} : { config: file }, terminal, ({ control }) =>
    control.agents(),
  ).catch((error: unknown) => {
    // Without a log there is no agent but the configuration's.
    if (error instanceof RelayError && error.code === 'RELAY_USAGE') return config.agents
    throw error
  })
  const agent = agents.find((candidate) => candidate.id === id)
  if (agent !== undefined) return agent
  const known = agents.map((candidate) => candidate.id).join(', ') || 'none'
  throw new RelayError('RELAY_USAGE', `there is no agent ${id}; there are: ${known}`)
}

function createJudge(agent: AgentDefinition, isExplaining: boolean): (record: PreviewRecord) => Previewed {
  const nowMs = (): number => Date.now()
  const pipeline = createPipeline(agent, { defaultVersion: version, bytesMax: 65_536, nowMs })
  const header = createAgentHeader(agent, hostname(), nowMs)
  const seen = new Set<string>()
  return (record) => {
    const input: PipelineInput = record
    const base = { kind: record.kind, id: record.id, ...(isExplaining ? explanationOf(agent, input, nowMs()) : {}) }
    const outcome = pipeline(input, () => seen.has(record.id))
    if (outcome.outcome === 'discard') return { ...base, outcome: 'left out', reason: outcome.reason }
    if (outcome.outcome === 'dead-letter') return { ...base, outcome: 'dead letter', reason: outcome.reason }
    seen.add(record.id)
    return { ...base, outcome: 'sent', line: header(outcome.eventTimeMs, outcome.severity) + outcome.line }
  }
}

function explanationOf(
  agent: AgentDefinition,
  input: PipelineInput,
  nowMs: number,
): { readonly explanation?: Explanation } {
  const { filter } = agent[rawKindOf[input.kind]]
  try {
    return { explanation: explainFilter(input.kind, filter, normalize(input), nowMs) }
  } catch {
    // Not a record: the pipeline says why.
    return {}
  }
}

/** Lines hold no control characters; ids and reasons may, so they are shown as JSON. */
function textOf({ outcome, line, kind, id, reason, explanation }: Previewed): string {
  const head = line ?? `-- ${kind} ${JSON.stringify(id)}: ${outcome}, ${JSON.stringify(reason)}`
  const clauses =
    explanation?.clauses.map((clause) => `     ${clause.passed ? 'pass' : 'FAIL'}  ${clause.sentence}`) ?? []
  return `${[head, ...clauses].join('\n')}\n`
}
