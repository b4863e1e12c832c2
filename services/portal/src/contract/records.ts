/** Records on their way: preview, live tap, replays, dead letters, twins left out. */
import { idSchema } from '@siem-relay/common'
import { z } from 'zod'
import { pageQuerySchema, timeMs } from './common.ts'

const kindSchema = z.enum(['alert', 'activity', 'discovery'])

const filterFieldSchema = z.object({
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
/** `GET /filter-reference`: the fields of each data type, and what each operator passes. */
export const filterReferenceSchema = z.object({
  alert: z.array(filterFieldSchema),
  activity: z.array(filterFieldSchema),
  discovery: z.array(filterFieldSchema),
  operators: z.array(z.object({ operator: z.string(), meaning: z.string() })),
})
/** `POST /preview` (admins): what a draft would make of the last records, with the functions the formatter uses. `limit` is for each
 *  data type, over all tenants. A draft without an id gets one for the time of the preview. */
export const previewSchema = z.strictObject({
  definition: z.record(z.string(), z.unknown()),
  /** Default: every kind the draft takes. */
  kind: kindSchema.optional(),
  limit: z.int().min(1).max(500).default(50),
})
const previewedSchema = z.object({
  kind: kindSchema,
  id: z.string(),
  tenant: z.string(),
  source: z.string(),
  receivedMs: timeMs,
  /** The record as it came: JSON text, cut at 64 KB, and shorter where many are long. */
  record: z.string(),
  outcome: z.enum(['sent', 'left-out', 'dead-letter']),
  /** The whole line or row as the destination would get it. */
  line: z.string().optional(),
  reason: z.string().optional(),
  clauses: z
    .array(
      z.object({
        passed: z.boolean(),
        /** The first that failed: without it the record might have passed. */
        decides: z.boolean(),
        sentence: z.string(),
        /** Its place in the filter, such as `severity.eq`. */
        path: z.string(),
      }),
    )
    .optional(),
})
export const previewAnswerSchema = z.object({
  records: z.array(previewedSchema),
  counts: z.object({ sent: z.int(), leftOut: z.int(), deadLetter: z.int() }),
})

/** `GET /tap?stage&agent&tenant&kind&masked`: server-sent events from now on: `started` with `{ topics }`, `record` with a tapped record,
 *  `dropped` with the `{ count }` of those that went by unseen since they came faster than they were read, `end` with `{ reason }`, after which a page
 *  does not come back by itself; comments keep the line open. It ends with the session and does not keep it alive. */
export const tapQuerySchema = z.object({
  stage: z.enum(['raw', 'out', 'discarded', 'dead-letters']),
  agent: idSchema.optional(),
  tenant: idSchema.optional(),
  kind: kindSchema.optional(),
  /** `false` is for admins and is written to the audit log. */
  masked: z.enum(['true', 'false']).default('true'),
})
const tappedSchema = z.object({
  stage: z.string(),
  topic: z.string(),
  partition: z.int(),
  offset: z.int(),
  key: z.string(),
  atMs: timeMs,
  headers: z.record(z.string(), z.string()),
  value: z.string(),
  /** Only the beginning of the value is shown. */
  isCut: z.boolean(),
})

/** `POST /replays/count` (a dry run) answers a plan with `records`; `POST /replays` with the same body starts it and answers the job;
 *  `GET /replays` answers `{ replays }`, newest first; `DELETE /replays/:id` cancels and answers its status. Starting and cancelling is for
 *  admins. Shapes of `plan` and `job`: ReplayPlan and ReplayJob of packages/common. */
export const replayCountSchema = z.strictObject({
  agent: idSchema,
  fromMs: timeMs,
  toMs: timeMs,
  source: z.enum(['out', 'raw']).default('out'),
  messagesPerSecondMax: z.int().min(1).max(1_000_000).optional(),
  mark: z.boolean().default(false),
})
export const replayParamsSchema = z.object({ id: idSchema })
export const lagQuerySchema = z.object({ agent: idSchema.optional() })
export const replayStatusSchema = z.object({
  job: z.record(z.string(), z.unknown()),
  share: z.number(),
  replayed: z.int(),
})

/** `GET /dead-letters?agent&code&stage&all&before&limit` answers `{ letters, next? }`, newest first; `GET /dead-letters/:id` (admins, noted
 *  in the audit log) one whole; `POST /dead-letters/retry` and `/drop` (admins) take ids and answer `{ done, refused: [{ id, reason }] }`. */
export const deadLetterQuerySchema = pageQuerySchema.extend({
  /** `next` of the page before. */
  before: z
    .string()
    .max(2_000)
    .regex(/^\d{1,16}(\.\d{1,16}){0,99}$/, 'a cursor is what the page before ended with')
    .optional(),
  agent: idSchema.optional(),
  code: z.string().min(1).max(100).optional(),
  stage: z.string().min(1).max(100).optional(),
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
  attempts: z.int().optional(),
  key: z.string(),
  /** Of a damaged stretch of the log the offset is a range. */
  origin: z.object({ topic: z.string(), partition: z.int(), offset: z.string() }),
  bytes: z.int(),
  /** The beginning of the value as text; empty for viewers. */
  preview: z.string(),
  mark: z.object({ state: z.enum(['retried', 'dropped']), atMs: timeMs, by: z.string() }).optional(),
  /** Why it cannot be sent again; absent when that can be tried. */
  notRetriable: z.string().optional(),
})
export const wholeDeadLetterSchema = deadLetterSchema.extend({
  headers: z.record(z.string(), z.string()),
  /** As it came, base64. */
  value: z.string(),
})
const deadLetterIdSchema = z.string().regex(/^\d{1,4}-\d{1,15}$/, 'a dead letter is named as in 2-1041')
export const deadLetterParamsSchema = z.object({ id: deadLetterIdSchema })
export const deadLetterActionSchema = z.strictObject({ ids: z.array(deadLetterIdSchema).min(1).max(1_000) })
export const deadLetterHandledSchema = z.object({
  done: z.array(z.string()),
  refused: z.array(z.object({ id: z.string(), reason: z.string() })),
})

/** `GET /duplicates?agent&before&limit` answers `{ duplicates, next?, total }`: twins left out, newest first. */
export const duplicatesQuerySchema = pageQuerySchema.extend({ agent: z.string().max(64).optional() })
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

/** `GET /sources` answers `{ sources }`: SourceView of packages/common. When a source's secret expires is not in it: no API that the relay
 *  may call tells; the expiry of an app registration's secret needs the right Application.Read.All, which a collector does not have. */
/** `GET /lag?agent` answers `{ agents }`: AgentLag of packages/control. */

export type FilterField = z.output<typeof filterFieldSchema>
export type FilterReference = z.output<typeof filterReferenceSchema>
export type Previewed = z.output<typeof previewedSchema>
export type PreviewAnswer = z.output<typeof previewAnswerSchema>
export type Tapped = z.output<typeof tappedSchema>
export type DeadLetter = z.output<typeof deadLetterSchema>
export type WholeDeadLetter = z.output<typeof wholeDeadLetterSchema>
export type Duplicate = z.output<typeof duplicateSchema>
