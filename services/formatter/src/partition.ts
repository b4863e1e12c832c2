/** One input partition of one agent: a batch of raw records becomes messages, discards and dead letters in one output. Its state
 *  is the record ids seen, so that a record read twice leaves once, and of alerts those that may have a twin; it commits with the
 *  output. After any failure the bus opens a new one from committed state, so nothing here is ever rolled back. */
import type { Assignment, BusRecord, NewRecord, PartitionStage } from '@siem-relay/bus'
import {
  type AgentDefinition,
  bareAlertId,
  createPipeline,
  type EventKind,
  eventKindOf,
  outTopic,
  type PipelineInput,
  type PipelineOptions,
  partsOfRawTopic,
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
  /** Told how many alerts of the partition wait for their twin, by what is committed. */
  readonly held?: (topic: string, alerts: number) => void
  /** A replay's topic for messages. Its discards and dead letters were kept when the records came by first: they are counted only. */
  readonly replayTopic?: string
}

export function openPartition(assignment: Assignment, options: PartitionOptions): PartitionStage {
  const { agent } = options
  const kind = kindOfTopic(assignment.topic)
  const outTopicName = options.replayTopic ?? outTopic(agent.id).name
  const keepsRest = options.replayTopic === undefined
  const twins =
    kind === 'alert'
      ? new AlertTwins({ agent, topic: outTopicName, isReplay: !keepsRest }, assignment.state)
      : undefined
  const bytesMax =
    twins === undefined || twinFieldOf(agent) === 'none' ? options.bytesMax : options.bytesMax - twinNameBytesMax
  const pipeline = createPipeline(agent, { ...options, bytesMax })
  const seen = new SeenIds({ prefix: 'ids/', idsMax: agent.dedup.recordIds * (kind === 'alert' ? 2 : 1) })
  seen.restore(assignment.state)
  const slab = new Utf8Slab()
  let counts = noCounts()
  const noteHeld = (): void => {
    if (twins !== undefined) options.held?.(assignment.topic, twins.heldCount)
  }
  noteHeld()

  return {
    process(batch) {
      counts = noCounts()
      const records: NewRecord[] = []
      const fresh = new Set<string>()
      for (const record of batch) {
        if (twins !== undefined) records.push(...twins.advance(record, counts))
        const identity = identityOf(record, kind)
        const went = passageOf(identity, (id) => fresh.has(id) || seen.has(id))
        const outcome = pipeline(inputOf(record, kind), () => went === 'repeat')
        switch (outcome.outcome) {
          case 'message': {
            for (const id of Object.values(identity)) fresh.add(id)
            if (outcome.shortenedFields > 0) counts.shortened += 1
            if (outcome.filterFailed) counts.filterErrors += 1
            const message = messageRecord(outTopicName, record, kind, outcome, slab.encode(outcome.line))
            if (twins !== undefined && outcome.event.kind === 'alert') {
              const alert = { alert: outcome.event, record, message, line: outcome.line, isUpdate: went === 'update' }
              records.push(...twins.judge(alert, counts))
            } else {
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
      return { records, state: twins === undefined ? ids : [...ids, ...twins.takeChanges()] }
    },
    ...(twins && {
      dueMs: () => twins.dueMs(),
      idle(untilMs: number) {
        return { records: twins.release(untilMs, counts), state: twins.takeChanges() }
      },
    }),
    committed() {
      seen.commit()
      options.count(kind, counts)
      counts = noCounts()
      noteHeld()
    },
    // Whoever has the partition next tells of them.
    ended: () => options.held?.(assignment.topic, 0),
  }
}

function kindOfTopic(topic: string): EventKind {
  const parts = partsOfRawTopic(topic)
  if (parts === undefined) throw new TypeError(`${topic} holds no raw records`)
  return eventKindOf[parts.kind]
}

/** What a record is known by. */
interface Identity {
  readonly id: string
  /** Of an alert: the id as this source brings it. */
  readonly bySource?: string
  /** Of an alert that comes in versions: this one. */
  readonly version?: string
}

function identityOf({ key, headers }: BusRecord, kind: EventKind): Identity {
  const version = headers[rawHeaders.version]
  if (kind !== 'alert') return { id: version === undefined ? key : `${key}@${version}` }
  const id = bareAlertId(key)
  const bySource = `${id}<${headers[rawHeaders.source] ?? ''}`
  return version === undefined ? { id, bySource } : { id, bySource, version: `${id}@${version}` }
}

/** An alert that several sources bring is taken from the first of them: what another one says of it, in whatever version, is a
 *  repeat. A new version from its own source is an update. */
function passageOf({ id, bySource, version }: Identity, went: (id: string) => boolean): 'new' | 'update' | 'repeat' {
  if (!went(id)) return 'new'
  const isOwn = bySource !== undefined && went(bySource)
  return isOwn && version !== undefined && !went(version) ? 'update' : 'repeat'
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
    version: headers[rawHeaders.version],
  }
}
