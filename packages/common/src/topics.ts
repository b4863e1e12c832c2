/** The treaty between services: every topic, its key, who writes it, who reads it, how it is kept. Names are without the
 *  installation's prefix (default `siem-relay.`), which the bus adds. Values: see DESIGN in ARCHITECTURE.md. */
import type { EventKind } from './events.ts'

export interface TopicSpec {
  readonly name: string
  readonly partitions: number
  /** `delete`: records expire by age and size, never undelivered ones; `compact`: the latest value of each key stays. */
  readonly cleanup: 'delete' | 'compact'
  /** How long delivered records stay, in milliseconds; compacted topics keep the latest value for ever. */
  readonly retentionMs: number
}

const dayMs = 86_400_000

const log = (name: string, partitions: number, days: number): TopicSpec => ({
  name,
  partitions,
  cleanup: 'delete',
  retentionMs: days * dayMs,
})
const compacted = (name: string, partitions: number): TopicSpec => ({
  name,
  partitions,
  cleanup: 'compact',
  retentionMs: Number.MAX_SAFE_INTEGER,
})

/** The data types as topics and agents' settings name them, and as events do. */
export const rawKinds = ['alerts', 'activities', 'discovery'] as const
export type RawKind = (typeof rawKinds)[number]
export const eventKindOf: Readonly<Record<RawKind, EventKind>> = {
  alerts: 'alert',
  activities: 'activity',
  discovery: 'discovery',
}
export const rawKindOf: Readonly<Record<EventKind, RawKind>> = {
  alert: 'alerts',
  activity: 'activities',
  discovery: 'discovery',
}

/** The data type of a raw topic, and its tenant; undefined for any other topic. */
export function partsOfRawTopic(name: string): { readonly tenant: string; readonly kind: RawKind } | undefined {
  const [, tenant, suffix] = /^raw\.(.+)\.([a-z]+)$/.exec(name) ?? []
  const kind = rawKinds.find((one) => one === suffix)
  return tenant === undefined || kind === undefined ? undefined : { tenant, kind }
}

/** collector → formatter. Key: record id. Value: the JSON body as received. One partition for alerts, so that twins meet. */
export const rawTopic = (tenant: string, kind: RawKind): TopicSpec =>
  log(`raw.${tenant}.${kind}`, kind === 'alerts' ? 1 : 3, 7)
/** formatter → one sender. Key: record id. Value: the message (a CEF line from `CEF:` on). */
export const outTopic = (agentId: string): TopicSpec => log(`out.${agentId}`, 6, 7)
/** formatter → portal. Key: record id. Value: why it was left out. */
export const discardedTopic: TopicSpec = log('discarded', 3, 7)
/** all → control. Key: record id. Value: the original bytes; headers: the record's own, and stage, agent, code, attempts, origin. */
export const deadLettersTopic: TopicSpec = log('dead-letters', 3, 30)
/** control → control. Key: id of a dead letter (`<partition>-<offset>`). Value: what a person did with it, as JSON. */
export const deadLetterMarksTopic: TopicSpec = compacted('dead-letter-marks', 1)
/** portal → all. Key: agent id. Value: agent definition as JSON. */
export const agentsTopic: TopicSpec = compacted('agents', 1)
/** senders → portal. Key: `<agent id>/<instance>`. Value: connection state as JSON. */
export const agentStatusTopic: TopicSpec = compacted('agent-status', 1)
/** collectors → control. Key: source id. Value: how the source is, as JSON (source-status.ts); none once it is not configured. */
export const sourceStatusTopic: TopicSpec = compacted('source-status', 1)
/** control, command line, workers → workers. Key: job id. Value: the job as JSON (jobs.ts). */
export const jobsTopic: TopicSpec = compacted('jobs', 1)
/** formatter → one sender, for a replay from raw records; control → one sender, for dead letters: messages as in `out.<agent>`.
 *  Deleted with the job. */
export const replayTopic = (jobId: string): TopicSpec => log(`replay.${jobId}`, 6, 7)
/** The ids a replay's formatter has seen. Deleted with the job. */
export const replayStateTopic = (jobId: string): TopicSpec => compacted(`state.replay.${jobId}`, 3)
/** A collector's cursor and seen ids; its owner alone reads and writes it. */
export const collectorStateTopic = (sourceId: string): TopicSpec => compacted(`state.collector.${sourceId}`, 1)
/** A formatter's de-duplication state, as many partitions as its widest input. */
export const formatterStateTopic = (agentId: string): TopicSpec => compacted(`state.formatter.${agentId}`, 3)

/** Collectors share out tenants, each with the budget its sources have in common: a tenant's alerts topic stands for it. */
export const collectorGroup = 'collector'
export const tenantShareTopic = (tenant: string): TopicSpec => rawTopic(tenant, 'alerts')
export const formatterGroup = (agentId: string): string => `formatter.${agentId}`
export const senderGroup = (agentId: string): string => `sender.${agentId}`
export const replaySenderGroup = (jobId: string): string => `replay.${jobId}`
export const replayFormatterGroup = (jobId: string): string => `replay.${jobId}.formatter`

/** Header names of `raw.*` records: the envelope around a body that stays as it was received. */
export const rawHeaders = {
  source: 'source',
  tenant: 'tenant',
  kind: 'kind',
  /** What the body is (normalize/normalize.ts); absent: Defender for Cloud Apps' own shape of the kind. */
  shape: 'shape',
  version: 'version',
  receivedMs: 'received-ms',
  portalUrl: 'portal-url',
} as const
/** Header names of `out.*` records. */
export const outHeaders = {
  eventTimeMs: 'event-time-ms',
  /** When the collector received the record; for measuring. */
  receivedMs: 'received-ms',
  kind: 'kind',
  source: 'source',
  severity: 'severity',
  /** The columns a row was held to when it was made; a sender that knows them needs no second look. */
  rowSchema: 'row-schema',
} as const
/** Header names of `dead-letters` and `discarded` records. */
export const letterHeaders = {
  stage: 'stage',
  agent: 'agent',
  code: 'code',
  reason: 'reason',
  attempts: 'attempts',
  topic: 'origin-topic',
  partition: 'origin-partition',
  offset: 'origin-offset',
} as const
