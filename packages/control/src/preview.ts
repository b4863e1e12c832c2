/** What an agent would make of records, with the functions the formatter itself uses: of those in the log, or of any others. */
import { type Bus, lastRecords } from '@siem-relay/bus'
import {
  type AgentDefinition,
  agentSchema,
  createAgentHeader,
  createPipeline,
  type EventKind,
  type Explanation,
  eventKindOf,
  explainFilter,
  lineBytesMaxOf,
  normalize,
  type PipelineInput,
  RelayError,
  rawHeaders,
  rawKindOf,
  rawKinds,
  rawTopic,
} from '@siem-relay/common'
import { z } from 'zod'

/** Records a call may bring with it. */
const recordsMax = 1_000

export const previewRequestSchema = z.strictObject({
  /** An agent of the configuration, or a whole definition, also one that is only being written. */
  agent: z.union([z.string(), z.looseObject({})]),
  /** Most records of each data type. */
  limit: z.int().min(1).max(recordsMax).default(20),
  /** With what each clause of the filter made of the record. */
  explain: z.boolean().default(false),
  /** Instead of the last records in the log. */
  records: z
    .array(
      z.strictObject({
        kind: z.enum(['alert', 'activity', 'discovery']),
        /** JSON text. */
        body: z.string().max(1_048_576),
        id: z.string().max(1_024).default(''),
        shape: z.string().max(64).optional(),
        tenant: z.string().max(64).default('preview'),
        source: z.string().max(64).default('preview'),
        portalUrl: z.string().max(2_048).default('https://portal.cloudappsecurity.com'),
      }),
    )
    .max(recordsMax)
    .optional(),
})

/** As `previewRequestSchema` takes it, the definition as a configuration has it. */
export type PreviewRequest = Omit<z.input<typeof previewRequestSchema>, 'agent'> & {
  readonly agent: string | z.input<typeof agentSchema>
}

export interface PreviewRecord extends PipelineInput {
  readonly id: string
}

/** What became of one record. */
export interface Previewed {
  readonly kind: EventKind
  readonly id: string
  readonly tenant: string
  readonly source: string
  readonly receivedMs: number
  /** The record itself, JSON as it came. */
  readonly record: string
  readonly outcome: 'sent' | 'left out' | 'dead letter'
  /** The whole line as the receiver would get it. */
  readonly line?: string
  readonly reason?: string
  readonly explanation?: Explanation
}

export interface JudgeOptions {
  readonly explain: boolean
  /** Of the relay. */
  readonly version: string
  readonly hostName: string
  readonly nowMs: () => number
}

/** @throws {RelayError} `RELAY_CONFIG_INVALID` with every problem of a definition. */
export function agentOfDefinition(definition: unknown): AgentDefinition {
  const parsed = agentSchema.safeParse(definition)
  if (parsed.success) return parsed.data
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'agent'}: ${message}`)
  throw new RelayError('RELAY_CONFIG_INVALID', problems.join('; '))
}

/** Judges one record after another; an id that was sent before is a repeat, as in the formatter. */
export function createJudge(agent: AgentDefinition, options: JudgeOptions): (record: PreviewRecord) => Previewed {
  const { explain, version, hostName, nowMs } = options
  const pipeline = createPipeline(agent, { defaultVersion: version, bytesMax: lineBytesMaxOf(agent), nowMs })
  const header = createAgentHeader(agent, hostName, nowMs)
  const seen = new Set<string>()
  return (input) => {
    const { kind, id, tenant, source, receivedMs, body } = input
    const base = {
      kind,
      id,
      tenant,
      source,
      receivedMs,
      record: body.toString('utf8'),
      ...(explain ? explanationOf(agent, input, nowMs()) : {}),
    }
    const outcome = pipeline(input, () => id !== '' && seen.has(id))
    if (outcome.outcome === 'discard') return { ...base, outcome: 'left out', reason: outcome.reason }
    if (outcome.outcome === 'dead-letter') return { ...base, outcome: 'dead letter', reason: outcome.reason }
    seen.add(id)
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

/** The last records of each raw topic of the tenants, oldest first in each partition. */
export async function* recordsOfLog(
  bus: Bus,
  tenants: readonly string[],
  limit: number,
): AsyncGenerator<PreviewRecord> {
  for (const tenant of tenants) {
    for (const name of rawKinds) {
      const topic = rawTopic(tenant, name)
      await bus.ensureTopics([topic])
      const partitions = await bus.positions.bounds([topic])
      const each = Math.ceil(limit / partitions.length)
      for (const bounds of partitions)
        for (const { key, value, headers, appendedMs } of await lastRecords(bus, topic, bounds, each))
          yield {
            body: value,
            id: key,
            kind: eventKindOf[name],
            shape: headers[rawHeaders.shape],
            tenant,
            source: headers[rawHeaders.source] ?? '',
            portalUrl: headers[rawHeaders.portalUrl] ?? '',
            receivedMs: appendedMs,
          }
    }
  }
}
