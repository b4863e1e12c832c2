/** Records on their way: preview, live tap, replays, dead letters, twins left out. */
import { z } from 'zod'
import { pageQuerySchema, timeMs } from './common.ts'

export const kindSchema = z.enum(['alert', 'activity', 'discovery'])

/** `GET /filter-reference`: the filter language by kind of record, what `filterReference` of packages/common says. */
export const filterFieldSchema = z.object({
  field: z.string(),
  aliases: z.array(z.string()),
  /** None: it cannot be judged, `note` says why. */
  operators: z.array(z.string()),
  addedOperators: z.array(z.string()),
  /** What its values are, so that a form can ask for them. */
  type: z.enum(['id', 'text', 'number', 'time', 'flag', 'entity', 'unavailable']),
  values: z.array(z.object({ value: z.union([z.string(), z.number(), z.boolean(), z.null()]), meaning: z.string() })),
  note: z.string(),
})
export const filterReferenceSchema = z.object({
  alert: z.array(filterFieldSchema),
  activity: z.array(filterFieldSchema),
  discovery: z.array(filterFieldSchema),
})

/** `POST /preview`: what a draft would make of the last records, with the functions the formatter uses. */
export const previewSchema = z.strictObject({
  definition: z.record(z.string(), z.unknown()),
  /** Default: every kind the draft takes. */
  kind: kindSchema.optional(),
  limit: z.int().min(1).max(500).default(50),
})
export const previewedSchema = z.object({
  kind: kindSchema,
  id: z.string(),
  tenant: z.string(),
  source: z.string(),
  receivedMs: timeMs,
  /** The record as it came: JSON text, cut at 64 KB. */
  record: z.string(),
  outcome: z.enum(['sent', 'left-out', 'dead-letter']),
  /** The whole line or row as the destination would get it. */
  line: z.string().optional(),
  reason: z.string().optional(),
  clauses: z.array(z.object({ passed: z.boolean(), sentence: z.string(), path: z.string().optional() })).optional(),
})
export const previewAnswerSchema = z.object({
  records: z.array(previewedSchema),
  counts: z.object({ sent: z.int(), leftOut: z.int(), deadLetter: z.int() }),
})

/** `GET /tap?stage&agent&masked`: server-sent events, `event: record` with a tapped record, `event: dropped` with a count. Nothing is
 *  sent for what a slow reader cannot take; it is counted. */
export const tapQuerySchema = z.object({
  stage: z.enum(['raw', 'out', 'discarded', 'dead-letters']),
  agent: z.string().max(64).optional(),
  tenant: z.string().max(64).optional(),
  kind: kindSchema.optional(),
  /** `false` is for admins and is written to the audit log. */
  masked: z.enum(['true', 'false']).default('true'),
})
export const tappedSchema = z.object({
  stage: z.string(),
  topic: z.string(),
  partition: z.int(),
  offset: z.int(),
  key: z.string(),
  atMs: timeMs,
  headers: z.record(z.string(), z.string()),
  value: z.string(),
})

/** `POST /replays/count` (a dry run) answers a plan with `records`; `POST /replays` starts it; `GET /replays` answers `{ replays }`;
 *  `DELETE /replays/:id` cancels. Shapes of `plan` and `job`: ReplayPlan and ReplayJob of packages/common. */
export const replayCountSchema = z.strictObject({
  agent: z.string().max(64),
  fromMs: timeMs,
  toMs: timeMs,
  source: z.enum(['out', 'raw']).default('out'),
  messagesPerSecondMax: z.int().min(1).max(1_000_000).optional(),
  mark: z.boolean().default(false),
})
export const replayStatusSchema = z.object({
  job: z.record(z.string(), z.unknown()),
  share: z.number(),
  replayed: z.int(),
})

/** `GET /dead-letters?agent&code&stage&all&before&limit` answers `{ letters, next?, total }`; `GET /dead-letters/:id` one with its
 *  `value`; `POST /dead-letters/retry` and `/drop` take ids and answer `{ done, refused: [{ id, reason }] }`. */
export const deadLetterQuerySchema = pageQuerySchema.extend({
  agent: z.string().max(64).optional(),
  code: z.string().max(64).optional(),
  stage: z.string().max(64).optional(),
  /** Also those that were retried or dropped. */
  all: z.enum(['true', 'false']).default('false'),
})
export const deadLetterSchema = z.object({
  id: z.string(),
  atMs: timeMs,
  stage: z.string(),
  agent: z.string().optional(),
  code: z.string(),
  reason: z.string(),
  nextMove: z.string(),
  attempts: z.int(),
  key: z.string(),
  origin: z.object({ topic: z.string(), partition: z.int(), offset: z.int() }).optional(),
  bytes: z.int(),
  /** The beginning of the value as text. */
  preview: z.string(),
  mark: z.object({ state: z.enum(['retried', 'dropped']), atMs: timeMs, by: z.string() }).optional(),
})
export const deadLetterActionSchema = z.strictObject({ ids: z.array(z.string().max(100)).min(1).max(1_000) })

/** `GET /duplicates?agent&before&limit` answers `{ duplicates, next?, total }`: twins left out, newest first. */
export const duplicateSchema = z.object({
  id: z.string(),
  atMs: timeMs,
  agent: z.string(),
  policy: z.string(),
  /** The alert that was left out, and the one that was sent. */
  leftOut: z.object({ id: z.string(), source: z.string().optional(), title: z.string().optional() }),
  kept: z.object({ id: z.string(), source: z.string().optional(), title: z.string().optional() }),
  /** Why they are the same: each matched key with its value. */
  evidence: z.array(z.object({ key: z.string(), value: z.string() })),
  distanceSeconds: z.number(),
})

/** `GET /sources` answers `{ sources }`: SourceView of packages/common, with `secretExpiresMs` where it is known. */
/** `GET /lag?agent` answers `{ agents }`: AgentLag of packages/control. */

export type FilterField = z.output<typeof filterFieldSchema>
export type FilterReference = z.output<typeof filterReferenceSchema>
export type Previewed = z.output<typeof previewedSchema>
export type PreviewAnswer = z.output<typeof previewAnswerSchema>
export type Tapped = z.output<typeof tappedSchema>
export type ReplayView = z.output<typeof replayStatusSchema>
export type DeadLetter = z.output<typeof deadLetterSchema>
export type Duplicate = z.output<typeof duplicateSchema>
