/** Replay jobs: what of the log goes out again, for which agent, and what became of it. The jobs topic keeps them under their id;
 *  how far a running one is stands in the offsets of its groups, so that nothing has to be written on the way. A job is written
 *  as running once, then only as ended: whoever writes that last changes nothing that matters. */
import { z } from 'zod'
import { type AgentDefinition, idSchema, wants } from './agent.ts'
import { partsOfRawTopic, rawKinds, rawTopic, type TopicSpec } from './topics.ts'

const offset = z.int().min(0)
const timeMs = z.int().min(0)

export const stretchSchema = z.strictObject({
  topic: z.string().min(1).max(249),
  partition: z.int().min(0).max(9_999),
  /** First offset of the stretch. */
  from: offset,
  /** First offset beyond it. */
  until: offset,
})

/** Records that went into the log within a time, as they are to go out again. */
export const replayPlanSchema = z.strictObject({
  agent: idSchema,
  fromMs: timeMs,
  toMs: timeMs,
  /** `out`: the messages as they were sent; `raw`: the records, formatted anew by today's configuration. */
  source: z.enum(['out', 'raw']),
  stretches: z.array(stretchSchema).max(10_000),
  /** Records in the stretches. */
  records: z.int().min(0),
  messagesPerSecondMax: z.int().min(1).max(1_000_000),
  /** Whether each line says that it is a replayed one. */
  mark: z.boolean(),
})

export const replayJobSchema = replayPlanSchema.extend({
  kind: z.literal('replay'),
  /** `letters`: dead letters that go out again; their messages are in the job's own topic from its start. */
  source: z.enum([...replayPlanSchema.shape.source.options, 'letters']),
  id: idSchema,
  createdMs: timeMs,
  state: z.enum(['running', 'done', 'cancelled', 'failed']),
  endedMs: timeMs.optional(),
  /** Why it failed. */
  reason: z.string().max(500).optional(),
  /** Messages that went out again, known when it has ended. */
  replayed: z.int().min(0).optional(),
  /** Its groups and topics are gone. */
  isCleared: z.boolean().default(false),
})

export type ReplayStretch = z.output<typeof stretchSchema>
export type ReplayPlan = z.output<typeof replayPlanSchema>
export type ReplayJob = z.output<typeof replayJobSchema>

/** So many messages a second unless asked otherwise: fast enough for a day in minutes, slow enough for a receiver under live load. */
export const replayMessagesPerSecondDefault = 500

export function encodeJob(job: ReplayJob): Buffer {
  return Buffer.from(JSON.stringify(job))
}

/** @returns undefined for what is no job of a kind this version knows. */
export function decodeJob(value: Uint8Array): ReplayJob | undefined {
  try {
    return replayJobSchema.safeParse(JSON.parse(Buffer.from(value).toString('utf8'))).data
  } catch {
    return undefined
  }
}

/** The raw topics an agent reads: its tenants', for the data types it wants. */
export function rawTopicsOf(agent: AgentDefinition, tenants: readonly string[]): readonly TopicSpec[] {
  const kinds = rawKinds.filter((kind) => wants(agent, kind))
  return (agent.tenants ?? tenants).flatMap((tenant) => kinds.map((kind) => rawTopic(tenant, kind)))
}

/** The raw topics a job's stretches are of, each once. */
export function rawTopicsOfJob({ stretches }: Pick<ReplayJob, 'stretches'>): readonly TopicSpec[] {
  return [...new Set(stretches.map(({ topic }) => topic))].flatMap((name) => {
    const parts = partsOfRawTopic(name)
    return parts === undefined ? [] : [rawTopic(parts.tenant, parts.kind)]
  })
}

/** Where a group stands on a partition; what `positions` of the bus tells. */
interface Standing {
  readonly topic: string
  readonly partition: number
  readonly committed: number | undefined
}

/** Offsets of the stretches, and those of them that a group has passed. Offsets may have gaps: a share, not a count. */
export function progressOf(
  stretches: readonly ReplayStretch[],
  standings: readonly Standing[],
): { readonly passed: number; readonly total: number; readonly isDone: boolean } {
  let passed = 0
  let total = 0
  let isDone = true
  for (const { topic, partition, from, until } of stretches) {
    const standing = standings.find((one) => one.topic === topic && one.partition === partition)
    const committed = standing?.committed
    total += until - from
    passed += Math.min(Math.max(committed ?? from, from), until) - from
    if (committed === undefined || committed < until) isDone = false
  }
  return { passed, total, isDone }
}
