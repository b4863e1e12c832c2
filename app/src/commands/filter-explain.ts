/** `siem-relay filter explain`: what each clause of a filter makes of records, and which one decides. */
import {
  type AgentDefinition,
  type EventKind,
  type Explanation,
  explainFilter,
  type FilterDefinition,
  normalize,
  printable,
  printableJson,
  type RecordShape,
  RelayError,
  rawKindOf,
  wants,
} from '@siem-relay/common'
import { findConfigFile, loadRelayConfig } from '../config/load.ts'
import type { Terminal } from '../terminal.ts'
import { agentOf } from './preview.ts'
import { kindOfText, looseRecord, readRecords } from './records-file.ts'
import { parseFilterOption } from './tap.ts'
import { wrap } from './wrap.ts'

export interface FilterExplainOptions {
  readonly config?: string
  readonly agent?: string
  readonly where?: string
  readonly input: string
  readonly kind?: EventKind
  readonly shape?: RecordShape
  readonly json?: boolean
}

/** Exit code 1 when a record is left out. @throws {RelayError} `RELAY_USAGE`, `RELAY_RECORD_INVALID`, and a filter's problems. */
export async function filterExplain(options: FilterExplainOptions, terminal: Terminal): Promise<void> {
  const filterOf = await filterSource(options, terminal)
  const records = await readRecords(options.input, terminal)
  if (records.length === 0) throw new RelayError('RELAY_USAGE', `there is no record in ${options.input}`)
  let isLeftOut = false
  for (const text of records) {
    const kind = options.kind ?? kindOfText(text)
    const record = looseRecord(Buffer.from(text), kind)
    const event = normalize({ ...record, shape: options.shape })
    const explanation = explainFilter(kind, filterOf(kind), event, Date.now())
    if (!explanation.matches) isLeftOut = true
    terminal.stdout.write(
      options.json === true
        ? `${printableJson({ kind, id: event.id, ...explanation })}\n`
        : textOf(kind, event.id, explanation),
    )
  }
  if (isLeftOut) terminal.setExitCode(1)
}

async function filterSource(
  { config: named, agent: id, where }: FilterExplainOptions,
  terminal: Terminal,
): Promise<(kind: EventKind) => FilterDefinition> {
  if ((id === undefined) === (where === undefined))
    throw new RelayError('RELAY_USAGE', 'give one of: --agent ID for its filters, --where FILTER')
  if (where !== undefined) {
    const filter = parseFilterOption('--where', where, terminal)
    return () => filter
  }
  const { config } = loadRelayConfig(findConfigFile(named, terminal), terminal)
  const place = { agent: id ?? '', ...(named === undefined ? {} : { config: named }) }
  const agent = await agentOf(config, place, terminal)
  return (kind) => filterOfAgent(agent, kind)
}

function filterOfAgent(agent: AgentDefinition, kind: EventKind): FilterDefinition {
  const name = rawKindOf[kind]
  if (wants(agent, name)) return agent[name].filter
  throw new RelayError(
    'RELAY_USAGE',
    `agent ${agent.id} does not take ${name}: set ${name}.enabled: true, or name --kind`,
  )
}

function textOf(kind: EventKind, id: string, { matches, clauses, error }: Explanation): string {
  const verdict = matches ? 'passes' : 'is left out'
  const lines = [
    ...wrap(`${kind} ${printable(id)} ${verdict}`, '', '  '),
    ...clauses.flatMap(({ passed, decides, sentence }) =>
      wrap(`${sentence}${decides ? ' (decides)' : ''}`, passed ? '  pass  ' : '  FAIL  ', '        '),
    ),
    ...(clauses.length === 0 ? ['  the filter is empty: everything passes'] : []),
    ...(error === undefined ? [] : wrap(error, '  ', '  ')),
  ]
  return `${lines.join('\n')}\n`
}
