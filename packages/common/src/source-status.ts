/** What collectors tell of their sources in the topic source-status, and how readers make of it a view of all sources: reported,
 *  silent, or never heard of. Fields that this version does not know pass through unchanged. */
import { z } from 'zod'

/** What went wrong last. Never a secret. */
export interface SourceReportError {
  readonly code?: string | undefined
  readonly message: string
  /** What a person can do about it. */
  readonly nextMove?: string | undefined
  readonly atMs: number
}

export interface SourceReportStream {
  readonly kind: string
  readonly state: string
  /** Everything up to here was read. */
  readonly watermarkMs?: number | undefined
  /** Records the source still holds, as far as it says. */
  readonly backlog?: number | undefined
  readonly lastError?: SourceReportError | undefined
  /** Times of which records may be missing. */
  readonly gaps?: readonly SourceReportGap[] | undefined
}

export interface SourceReportGap {
  readonly fromMs: number
  /** Not included. */
  readonly toMs: number
  readonly reason: string
  /** `open` and `reading`: it is read again; `unverifiable`: it cannot be. */
  readonly state: string
}

/** Value of the topic, as JSON. Times in milliseconds since the epoch. */
export interface SourceReport {
  readonly id: string
  readonly tenant: string
  readonly type: string
  /** `starting`, `collecting`, `waiting` (goes on by itself) or `error` (a person has to act). */
  readonly state: string
  readonly streams: readonly SourceReportStream[]
  readonly lastError?: SourceReportError | undefined
  /** API requests that could be made at this moment. */
  readonly budgetRemaining?: number | undefined
  /** The collector that polls the source, and its machine. */
  readonly instance: string
  readonly host: string
  /** When this was told; older than a few heartbeats means that nobody polls the source any more. */
  readonly atMs: number
}

/** What is known of a source. Without a report, `state` is `unknown` and `streams` is empty. */
export interface SourceView extends Partial<SourceReport> {
  readonly id: string
  readonly tenant: string
  readonly type: string
  readonly state: string
  readonly streams: readonly SourceReportStream[]
  /** `stale`: not told again for two minutes, so `state` is of then; `never`: nobody has told of it. */
  readonly reported: 'fresh' | 'stale' | 'never'
  /** Whether the configuration has the source. */
  readonly isConfigured: boolean
  /** How old the watermark of the stream is that is furthest behind; absent while one of them has none. */
  readonly behindSeconds?: number | undefined
  /** Over all streams, as far as they say. */
  readonly backlog?: number | undefined
}

/** Four heartbeats. */
const staleAfterMs = 120_000
const textLengthMax = 1_000
const itemsMax = 100

const errorSchema = z.looseObject({
  code: z.string().optional(),
  message: z.string(),
  nextMove: z.string().optional(),
  atMs: z.number(),
})
const gapSchema = z.looseObject({
  fromMs: z.number(),
  toMs: z.number(),
  reason: z.string(),
  state: z.string(),
})
const streamSchema = z.looseObject({
  kind: z.string(),
  state: z.string(),
  watermarkMs: z.number().optional(),
  backlog: z.number().optional(),
  lastError: errorSchema.optional(),
  // What another version means by it must not hide the rest.
  gaps: z.array(gapSchema).optional().catch(undefined),
})
const reportSchema: z.ZodType<SourceReport> = z.looseObject({
  id: z.string(),
  tenant: z.string(),
  type: z.string(),
  state: z.string(),
  streams: z.array(streamSchema),
  lastError: errorSchema.optional(),
  budgetRemaining: z.number().optional(),
  instance: z.string(),
  host: z.string(),
  atMs: z.number().min(0),
})

/** Texts longer than 1,000 characters and lists longer than 100 items are cut. */
export function encodeSourceReport(report: SourceReport): Buffer {
  return Buffer.from(
    JSON.stringify(report, (_, value: unknown) => {
      if (typeof value === 'string' && value.length > textLengthMax) return `${value.slice(0, textLengthMax - 1)}…`
      return Array.isArray(value) && value.length > itemsMax ? value.slice(0, itemsMax) : value
    }),
  )
}

/** @returns undefined for what is no report that this version can read. */
export function decodeSourceReport(value: Uint8Array): SourceReport | undefined {
  try {
    return reportSchema.safeParse(JSON.parse(Buffer.from(value).toString('utf8'))).data
  } catch {
    return undefined
  }
}

/** What moves while all is well, or says again what was said. */
const moving: ReadonlySet<string> = new Set<string>([
  'atMs',
  'watermarkMs',
  'backlog',
  'budgetRemaining',
] satisfies readonly (keyof SourceReport | keyof SourceReportStream)[])

/** The same text for two reports that differ in nothing a reader has to hear of at once. */
export function newsOfSource(report: SourceReport): string {
  return JSON.stringify(report, (key, value: unknown) => (moving.has(key) ? undefined : value))
}

/**
 * The sources of a configuration in its order, then those that are only reported, by id.
 * @param reports the latest of each source.
 */
export function viewSources(
  configured: readonly { readonly id: string; readonly tenant?: string | undefined; readonly type: string }[],
  reports: readonly SourceReport[],
  nowMs: number,
): readonly SourceView[] {
  const byId = new Map(reports.map((report) => [report.id, report]))
  const ids = new Set(configured.map(({ id }) => id))
  const others = reports.filter(({ id }) => !ids.has(id)).toSorted((left, right) => (left.id < right.id ? -1 : 1))
  return [
    ...configured.map(({ id, tenant = id, type }): SourceView => {
      const report = byId.get(id)
      const name = { id, tenant, type, isConfigured: true }
      return report === undefined
        ? { ...name, state: 'unknown', streams: [], reported: 'never' }
        : { ...viewOf(report, nowMs), ...name }
    }),
    ...others.map((report) => viewOf(report, nowMs)),
  ]
}

function viewOf(report: SourceReport, nowMs: number): SourceView {
  const watermarks = report.streams.map(({ watermarkMs }) => watermarkMs)
  const isRead = watermarks.length > 0 && !watermarks.includes(undefined)
  const behindMs = nowMs - Math.min(...watermarks.map((ms) => ms ?? nowMs))
  const backlogs = report.streams.flatMap(({ backlog }) => backlog ?? [])
  return {
    ...report,
    reported: nowMs - report.atMs > staleAfterMs ? 'stale' : 'fresh',
    isConfigured: false,
    behindSeconds: isRead ? Math.max(0, Math.round(behindMs / 1_000)) : undefined,
    backlog: backlogs.length === 0 ? undefined : backlogs.reduce((sum, backlog) => sum + backlog, 0),
  }
}
