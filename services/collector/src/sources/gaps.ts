/** Stretches of time a source may have records of that were never taken: opened when it was away or contradicted itself, read
 *  again, and closed when that went well. Pure: lists in, lists out; a source keeps its list beside its cursor.
 *
 *  A list says at least what is missing, never less: where there are too many gaps, neighbours become one. */
import { z } from 'zod'

/**
 * `away`: nobody looked for late records in time. `inconsistent`: the API's answers contradict themselves. `given-up`: the sweep
 * that looks for late records failed too often. `expired`: the source's log removed them before they were read. `unreadable`: the
 * API answers with an error whenever it is asked for this time.
 */
const gapReasons = ['away', 'inconsistent', 'given-up', 'expired', 'unreadable'] as const
type GapReason = (typeof gapReasons)[number]

/** `open`: will be read again; `reading`: is being read again; `unverifiable`: cannot be read again, or not without repeats. */
const gapStates = ['open', 'reading', 'unverifiable'] as const
type GapState = (typeof gapStates)[number]

export interface Gap {
  /** Milliseconds since the epoch, in the time the source is read by. */
  readonly fromMs: number
  /** Not included. */
  readonly toMs: number
  readonly reason: GapReason
  readonly state: GapState
  /** When it was found: for an unverifiable one, to be so. */
  readonly sinceMs: number
}

/** What was found out about a gap, for log and metrics. */
export interface GapChange {
  readonly type: 'opened' | 'whole' | 'unverifiable'
  readonly gap: Gap
}

/** As it lies in a source's state. A reason or state that only a newer version knows is read as one that does no harm. */
export const gapsSchema = z.array(
  z.object({
    fromMs: z.number(),
    toMs: z.number(),
    reason: z.enum(gapReasons).catch('inconsistent'),
    state: z.enum(gapStates).catch('open'),
    sinceMs: z.number(),
  }),
)

/** Of those that will be read again, and of those that cannot be: at most so many each. */
export const gapsMax = 16
/** What cannot be read again is told this long, as long as raw records are kept. */
const toldMs = 7 * 86_400_000

const isLost = (gap: Gap): boolean => gap.state === 'unverifiable'
const isLeft = (gap: Gap): boolean => gap.state !== 'unverifiable'

/** Joined by those it touches, and bounded. What is being read again and gets a new doubt is begun anew. */
export function addGap(gaps: readonly Gap[], added: Gap): readonly Gap[] {
  if (added.fromMs >= added.toMs) return gaps
  const joins = (gap: Gap): boolean => isLost(gap) === isLost(added) && isTouching(gap, added)
  const joined = gaps.filter(joins).reduceRight((one, gap) => join(gap, one), added)
  const all = [...gaps.filter((gap) => !joins(gap)), joined]
  return [...bounded(all.filter(isLeft)), ...bounded(all.filter(isLost))].toSorted(byTime)
}

/** Whether a gap would only make one larger that will be read again anyway. */
export function isToldOf(gaps: readonly Gap[], added: Gap): boolean {
  return gaps.some((gap) => isLeft(gap) && isTouching(gap, added))
}

/** What to read again now: what is being read, else what is oldest, since it is the first to become unreadable. */
export function nextGap(gaps: readonly Gap[]): Gap | undefined {
  return gaps.find((gap) => gap.state === 'reading') ?? gaps.find((gap) => gap.state === 'open')
}

/** From when on the ids of what was taken have to stay known; infinity when nothing will be read again. */
export function heldSinceMs(gaps: readonly Gap[]): number {
  return Math.min(...gaps.filter(isLeft).map(({ fromMs }) => fromMs))
}

/** @param gap one of the list. */
export function beginReading(gaps: readonly Gap[], gap: Gap): readonly Gap[] {
  return gaps.map((each) => (each === gap ? { ...gap, state: 'reading' } : each))
}

/** The reading did not get to its end: it begins anew. */
export function breakOff(gaps: readonly Gap[]): readonly Gap[] {
  return gaps.map((gap) => (gap.state === 'reading' ? { ...gap, state: 'open' } : gap))
}

/** All of it was read again. */
export function withoutRead(gaps: readonly Gap[]): readonly Gap[] {
  return gaps.filter((gap) => gap.state !== 'reading')
}

export interface Cut {
  readonly gaps: readonly Gap[]
  /** What cannot be read again; undefined when all of it can. */
  readonly lost: Gap | undefined
}

/**
 * Splits off what of a gap cannot be read again.
 * @param readMs up to here it was read again. @param readableMs what is earlier cannot be read any more.
 */
export function cutGap(gaps: readonly Gap[], gap: Gap, readMs: number, readableMs: number, nowMs: number): Cut {
  const fromMs = Math.max(gap.fromMs, readMs)
  if (readableMs <= fromMs || fromMs >= gap.toMs) return { gaps, lost: undefined }
  const lost: Gap = { ...gap, fromMs, toMs: Math.min(gap.toMs, readableMs), state: 'unverifiable', sinceMs: nowMs }
  const others = gaps.filter((each) => each !== gap)
  const rest = addGap(others, { ...gap, fromMs: readableMs, state: 'open' })
  return { gaps: addGap(rest, lost), lost }
}

/** Leaves out what was told to be unverifiable for long enough. */
export function withoutOld(gaps: readonly Gap[], nowMs: number): readonly Gap[] {
  return gaps.filter((gap) => isLeft(gap) || gap.sinceMs > nowMs - toldMs)
}

function isTouching(a: Gap, b: Gap): boolean {
  return a.fromMs <= b.toMs && a.toMs >= b.fromMs
}

function byTime(a: Gap, b: Gap): number {
  return a.fromMs - b.fromMs || a.toMs - b.toMs
}

/** One gap over both, and what is between them. */
function join(earlier: Gap, later: Gap): Gap {
  const times = [earlier.sinceMs, later.sinceMs]
  return {
    fromMs: Math.min(earlier.fromMs, later.fromMs),
    toMs: Math.max(earlier.toMs, later.toMs),
    reason: earlier.reason,
    state: isLost(earlier) ? 'unverifiable' : 'open',
    // What cannot be read is told long enough, what can shows how long that has been so.
    sinceMs: isLost(earlier) ? Math.max(...times) : Math.min(...times),
  }
}

/** Beyond the bound the two nearest become one. @param gaps apart from each other. */
function bounded(gaps: readonly Gap[]): readonly Gap[] {
  const result = gaps.toSorted(byTime)
  while (result.length > gapsMax) {
    const distances = result.slice(1).map((gap, i) => gap.fromMs - (result[i] as Gap).toMs)
    const at = distances.indexOf(Math.min(...distances))
    result.splice(at, 2, join(result[at] as Gap, result[at + 1] as Gap))
  }
  return result
}
