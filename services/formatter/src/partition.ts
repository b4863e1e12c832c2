/** One input partition of one agent: a batch of raw records becomes messages, discards and dead letters in one output. Its state
 *  is the record ids seen, so that a record read twice leaves once, and of alerts those that may have a twin; it commits with the
 *  output. After any failure the bus opens a new one from committed state, so nothing here is ever rolled back. */
import type { Assignment, BusRecord, NewRecord, PartitionStage } from '@siem-relay/bus'
import {
  type AgentDefinition,
  bareAlertId,
  createPipeline,
  type EventKind,
  outTopic,
  type PipelineInput,
  type PipelineOptions,
  rawHeaders,
  SeenIds,
  twinFieldOf,
  twinNameBytesMax,
} from '@siem-relay/common'
import { AlertTwins } from './alert-twins.ts'
import { type CountBatch, noCounts } from './metrics.ts'
import { deadLetterRecord, messageRecord, repeatRecord } from './outputs.ts'
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
  const twins =
    kind === 'alert'
      ? new AlertTwins({ agent, topic: outTopicName, isReplay: !keepsRest }, assignment.state)
      : undefined
  const bytesMax =
    twins === undefined || twinFieldOf(agent) === 'none' ? options.bytesMax : options.bytesMax - twinNameBytesMax
  const pipeline = createPipeline(agent, { ...options, bytesMax })
  const seen = new SeenIds({ prefix: 'ids/', idsMax: agent.dedup.recordIds })
  seen.restore(assignment.state)
  const slab = new Utf8Slab()
  let counts = noCounts()

  return {
    process(batch) {
      counts = noCounts()
      const records: NewRecord[] = []
      const fresh = new Set<string>()
      for (const record of batch) {
        if (twins !== undefined) records.push(...twins.release(record.appendedMs, counts))
        const identity = identityOf(record, kind)
        const outcome = pipeline(inputOf(record, kind), () => fresh.has(identity) || seen.has(identity))
        switch (outcome.outcome) {
          case 'message': {
            fresh.add(identity)
            if (outcome.shortenedFields > 0) counts.shortened += 1
            if (outcome.filterFailed) counts.filterErrors += 1
            const message = messageRecord(outTopicName, record, kind, outcome, slab.encode(outcome.line))
            if (twins !== undefined && outcome.event.kind === 'alert')
              records.push(...twins.judge(outcome.event, record, message, outcome.line, counts))
            else {
              counts.received += 1
              counts.formatted += 1
              records.push(message)
            }
            break
          }
          case 'discard':
            counts.received += 1
            if (outcome.reason === 'repeat') {
              counts.repeated += 1
              if (keepsRest) records.push(repeatRecord(record, agent.id))
            } else counts.filtered += 1
            break
          case 'dead-letter':
            counts.received += 1
            counts.deadLettered.set(outcome.code, (counts.deadLettered.get(outcome.code) ?? 0) + 1)
            if (keepsRest) records.push(deadLetterRecord(record, agent.id, outcome))
            break
          default:
            outcome satisfies never
        }
      }
      const ids = seen.addChunk([...fresh], batch.at(-1)?.appendedMs ?? 0)
      if (twins === undefined) return { records, state: ids }
      const rest = twins.conclude(counts)
      return { records: [...records, ...rest.records], state: [...ids, ...rest.state] }
    },
    ...(twins && {
      dueMs: () => twins.dueMs(),
      idle(untilMs: number) {
        const records = twins.release(untilMs, counts)
        const rest = twins.conclude(counts)
        return { records: [...records, ...rest.records], state: rest.state }
      },
    }),
    committed() {
      seen.commit()
      options.count(kind, counts)
      counts = noCounts()
    },
  }
}

/** What makes a record the same record: its id, whichever source it came by, and its version where the source sends updates of an
 *  alert as versions. */
function identityOf(record: BusRecord, kind: EventKind): string {
  const version = record.headers[rawHeaders.version]
  const id = kind === 'alert' ? bareAlertId(record.key) : record.key
  return version === undefined ? id : `${id}@${version}`
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
