/** One input partition of one agent: a batch of raw records becomes messages, discards and dead letters in one output. Its state
 *  is the record ids seen, so that a record read twice leaves once; it commits with the output. After any failure the bus opens
 *  a new one from committed state, so nothing here is ever rolled back. */
import type { Assignment, BusRecord, NewRecord, PartitionStage } from '@siem-relay/bus'
import {
  type AgentDefinition,
  createPipeline,
  deadLettersTopic,
  discardedTopic,
  type EventKind,
  letterHeaders,
  type Outcome,
  outHeaders,
  outTopic,
  type PipelineInput,
  type PipelineOptions,
  rawHeaders,
  SeenIds,
} from '@siem-relay/common'
import { type CountBatch, noCounts } from './metrics.ts'
import { Utf8Slab } from './utf8-slab.ts'

export interface PartitionOptions extends PipelineOptions {
  readonly agent: AgentDefinition
  readonly count: CountBatch
  /** A replay's topic for messages. Its discards and dead letters were kept when the records came by first: they are counted only. */
  readonly replayTopic?: string
}

export function openPartition(assignment: Assignment, options: PartitionOptions): PartitionStage {
  const { agent } = options
  const kind: EventKind = assignment.topic.endsWith('.alerts') ? 'alert' : 'activity'
  const outTopicName = options.replayTopic ?? outTopic(agent.id).name
  const keepsRest = options.replayTopic === undefined
  const pipeline = createPipeline(agent, options)
  const seen = new SeenIds({ prefix: 'ids/', idsMax: agent.dedup.recordIds })
  seen.restore(assignment.state)
  const slab = new Utf8Slab()
  let counts = noCounts()

  return {
    process(batch) {
      counts = noCounts()
      counts.received = batch.length
      const records: NewRecord[] = []
      const fresh = new Set<string>()
      for (const record of batch) {
        const identity = identityOf(record)
        const outcome = pipeline(inputOf(record, kind), () => fresh.has(identity) || seen.has(identity))
        switch (outcome.outcome) {
          case 'message':
            fresh.add(identity)
            counts.formatted += 1
            if (outcome.shortenedFields > 0) counts.shortened += 1
            if (outcome.filterFailed) counts.filterErrors += 1
            records.push(messageRecord(outTopicName, record, kind, outcome, slab.encode(outcome.line)))
            break
          case 'discard':
            if (outcome.reason === 'repeat') {
              counts.repeated += 1
              if (keepsRest) records.push(discardRecord(record, agent.id))
            } else counts.filtered += 1
            break
          case 'dead-letter':
            counts.deadLettered.set(outcome.code, (counts.deadLettered.get(outcome.code) ?? 0) + 1)
            if (keepsRest) records.push(deadLetterRecord(record, agent.id, outcome))
            break
          default:
            outcome satisfies never
        }
      }
      return { records, state: seen.addChunk([...fresh], batch.at(-1)?.appendedMs ?? 0) }
    },
    committed() {
      seen.commit()
      options.count(kind, counts)
    },
  }
}

/** What makes a record the same record: its id, and its version where the source sends updates of an alert as versions. */
function identityOf(record: BusRecord): string {
  const version = record.headers[rawHeaders.version]
  return version === undefined ? record.key : `${record.key}@${version}`
}

function inputOf(record: BusRecord, kind: EventKind): PipelineInput {
  const { headers } = record
  return {
    body: record.value,
    kind,
    shape: headers[rawHeaders.shape],
    tenant: headers[rawHeaders.tenant] ?? '',
    source: headers[rawHeaders.source] ?? '',
    portalUrl: headers[rawHeaders.portalUrl] ?? '',
    receivedMs: Number(headers[rawHeaders.receivedMs] ?? record.appendedMs),
  }
}

function messageRecord(
  topic: string,
  record: BusRecord,
  kind: EventKind,
  message: Extract<Outcome, { outcome: 'message' }>,
  value: Buffer,
): NewRecord {
  return {
    topic,
    key: record.key,
    value,
    headers: {
      [outHeaders.eventTimeMs]: String(message.eventTimeMs),
      [outHeaders.kind]: kind,
      [outHeaders.source]: record.headers[rawHeaders.source] ?? '',
      [outHeaders.severity]: String(message.severity),
    },
  }
}

function discardRecord(record: BusRecord, agent: string): NewRecord {
  return {
    topic: discardedTopic.name,
    key: record.key,
    value: Buffer.alloc(0),
    headers: { ...originHeaders(record, agent), [letterHeaders.reason]: 'repeat' },
  }
}

function deadLetterRecord(
  record: BusRecord,
  agent: string,
  letter: Extract<Outcome, { outcome: 'dead-letter' }>,
): NewRecord {
  return {
    topic: deadLettersTopic.name,
    key: record.key,
    value: record.value,
    headers: {
      ...originHeaders(record, agent),
      [letterHeaders.code]: letter.code,
      [letterHeaders.reason]: letter.reason.slice(0, reasonCharactersMax),
    },
  }
}

/** Reasons may quote a record's text; a header stays a header. */
const reasonCharactersMax = 500

function originHeaders(record: BusRecord, agent: string): Record<string, string> {
  return {
    [letterHeaders.stage]: 'formatter',
    [letterHeaders.agent]: agent,
    [letterHeaders.topic]: record.topic,
    [letterHeaders.partition]: String(record.partition),
    [letterHeaders.offset]: String(record.offset),
  }
}
