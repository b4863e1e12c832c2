/** What commands and the portal ask of a log and its agents. One implementation works on a bus (local.ts), one asks the
 *  process that has the log open (client.ts); commands do not care which they got. */
import {
  type AgentDefinition,
  idSchema,
  type ReplayJob,
  type ReplayPlan,
  replayMessagesPerSecondDefault,
  replayPlanSchema,
  type SourceView,
} from '@siem-relay/common'
import { z } from 'zod'
import {
  type DeadLetterPage,
  type DeadLettersRequest,
  type DroppedLetters,
  deadLettersRequestSchema,
  type HandleLettersRequest,
  handleLettersRequestSchema,
  letterIdSchema,
  type RetriedLetters,
  type WholeDeadLetter,
} from './dead-letters/shapes.ts'

import { type Previewed, type PreviewRequest, previewRequestSchema } from './preview.ts'
import { type TapItem, type TapRequest, tapRequestSchema } from './tap/shapes.ts'

export const lagRequestSchema = z.strictObject({
  /** Default: all enabled ones. */
  agent: idSchema.optional(),
  /** How long rates are measured. */
  windowMs: z.int().min(0).max(600_000).default(2_000),
})

export const countReplayRequestSchema = z.strictObject({
  agent: idSchema,
  fromMs: z.int().min(0),
  toMs: z.int().min(0),
  source: z.enum(['out', 'raw']).default('out'),
  messagesPerSecondMax: z.int().min(1).max(1_000_000).default(replayMessagesPerSecondDefault),
  mark: z.boolean().default(false),
})

const forgetRequestSchema = z.strictObject({
  agent: idSchema,
  /** Only counts what would go. */
  isDryRun: z.boolean().default(false),
})

export type LagRequest = z.input<typeof lagRequestSchema>
export type CountReplayRequest = z.input<typeof countReplayRequestSchema>
export type ForgetRequest = z.input<typeof forgetRequestSchema>

/** One step of an agent's way. Rates are per second, measured over the window; a group commits in steps, so short windows jump. */
export interface StageLag {
  readonly pending: number
  /** Age of the oldest pending record; undefined without any. */
  readonly oldestSeconds: number | undefined
  readonly inPerSecond: number
  readonly outPerSecond: number
  /** Until nothing is pending, at these rates; undefined when it would never be. */
  readonly catchUpSeconds: number | undefined
}

export interface AgentLag {
  readonly agent: string
  readonly enabled: boolean
  /** Records not yet formatted. */
  readonly formatter: StageLag
  /** Messages not yet delivered. */
  readonly sender: StageLag
  /** The older of both. */
  readonly oldestSeconds: number | undefined
  /** The longer of both. */
  readonly catchUpSeconds: number | undefined
}

export interface ReplayStatus {
  readonly job: ReplayJob
  /** 0 to 1. */
  readonly share: number
  /** Messages delivered again so far. */
  readonly replayed: number
}

export interface Forgotten {
  readonly agent: string
  /** Messages that were not delivered. */
  readonly undelivered: number
  /** Messages kept in all, the undelivered ones among them. */
  readonly stored: number
}

/** @throws {RelayError} `RELAY_USAGE` for what cannot be asked: an agent or job that is not there, a time that ends before it begins. */
export interface Control {
  /** Those in force: the configuration's and the portal's. */
  agents(): Promise<readonly AgentDefinition[]>
  lag(request: LagRequest): Promise<readonly AgentLag[]>
  /** Those of the configuration in its order, then those that are only reported. */
  sources(): Promise<readonly SourceView[]>
  /** Counts what a replay would send; changes nothing. */
  countReplay(request: CountReplayRequest): Promise<ReplayPlan>
  startReplay(plan: ReplayPlan): Promise<ReplayJob>
  /** Oldest first. */
  replays(): Promise<readonly ReplayStatus[]>
  cancelReplay(id: string): Promise<ReplayStatus>
  /** Discards everything kept for an agent that is not enabled. */
  forget(request: ForgetRequest): Promise<Forgotten>
  /** Those nobody has dealt with, newest first. */
  deadLetters(request: DeadLettersRequest): Promise<DeadLetterPage>
  deadLetter(id: string): Promise<WholeDeadLetter>
  /** Sends letters out again, each once. Those that cannot go are named with why; they stay. */
  retryDeadLetters(request: HandleLettersRequest): Promise<RetriedLetters>
  /** Marks letters as dealt with. They stay in the log for as long as it keeps them. */
  dropDeadLetters(request: HandleLettersRequest): Promise<DroppedLetters>
  /** What an agent would make of records; changes nothing. */
  preview(request: PreviewRequest): Promise<readonly Previewed[]>
  /** What the relay with the log in it counts, in Prometheus' text; undefined where no relay answers, or several share the log. */
  metrics(): Promise<string | undefined>
  /** Live records, from now on until the signal is aborted or nobody asks for the next. */
  tap(request: TapRequest, signal?: AbortSignal): AsyncIterable<TapItem>
}

/** Those that answer with one thing after another. */
export const controlStreams = {
  tap: tapRequestSchema,
} as const satisfies Partial<Record<keyof Control, z.ZodType>>

/** Each other method with the shape of its argument: what the socket's two ends agree on. */
export const controlMethods = {
  agents: z.undefined(),
  lag: lagRequestSchema,
  sources: z.undefined(),
  countReplay: countReplayRequestSchema,
  startReplay: replayPlanSchema,
  replays: z.undefined(),
  cancelReplay: idSchema,
  forget: forgetRequestSchema,
  deadLetters: deadLettersRequestSchema,
  deadLetter: letterIdSchema,
  retryDeadLetters: handleLettersRequestSchema,
  dropDeadLetters: handleLettersRequestSchema,
  preview: previewRequestSchema,
  metrics: z.undefined(),
} as const satisfies Record<Exclude<keyof Control, keyof typeof controlStreams>, z.ZodType>
