/** What an app's sums say since they were read last. Pure: the baseline before and a reading give the growth and the baseline after.
 *
 *  The sums are over a window that slides: what leaves it at its far end hides as much of what came in. So the growth between two
 *  reads, max(0, now − before), is at most what really came in, and never more; after a fall it counts from the lower sum on. */
import { type AppReading, type Counts, counters, type List, lists } from './reading.ts'

/** What is remembered of an app in a stream. */
export interface Baseline {
  /** What the sums are over; those of another window say nothing of growth. */
  readonly period: string
  /** The sums as last known; one the API leaves out for a while keeps its value. */
  readonly counts: Counts
  readonly sizes: AppReading['sizes']
  readonly lastSeenMs: number | undefined
  /** Lists to be read, each with the number of the sweep that found out. */
  readonly due: { readonly [L in List]?: number }
  /** Whole reads in a row that did not hold the app. */
  readonly absences: number
}

export interface Difference {
  /** How much each sum grew, at least; all of it where none was known before. undefined: there is nothing to tell. */
  readonly growth: Counts | undefined
  readonly baseline: Baseline
}

export interface ComparisonContext {
  readonly period: string
  /** Number of this sweep. */
  readonly sequence: number
  /** Whether a list is wanted, and whether it was ever read. */
  readonly isWanted: (list: List) => boolean
  readonly isRead: (list: List) => boolean
}

/** An app that is missing this often in a row has left the window; once may be an answer that came up empty. */
const absencesMax = 2

export function compareApp(before: Baseline | undefined, now: AppReading, context: ComparisonContext): Difference {
  const { period } = context
  const known = before?.period === period ? before.counts : {}
  const grown = counters.flatMap((counter) => {
    const count = now.counts[counter]
    return count === undefined ? [] : [[counter, Math.max(0, count - (known[counter] ?? 0))] as const]
  })
  const baseline = {
    period,
    counts: { ...known, ...now.counts },
    sizes: { ...before?.sizes, ...now.sizes },
    lastSeenMs: now.lastSeenMs ?? before?.lastSeenMs,
    absences: 0,
  }
  const isGrowth = before?.period === period && grown.some(([, growth]) => growth > 0)
  return {
    growth: before === undefined || isGrowth ? Object.fromEntries(grown) : undefined,
    baseline: { ...baseline, due: dueLists(before, now, baseline, context) },
  }
}

/** @returns undefined once the app has left the window: should it come back, it is new. */
export function missApp(before: Baseline): Baseline | undefined {
  const absences = before.absences + 1
  return absences < absencesMax ? { ...before, absences } : undefined
}

/** A list is read again when anything about its app changed; where nothing is known that could change, always. */
function dueLists(
  before: Baseline | undefined,
  now: AppReading,
  after: Omit<Baseline, 'due'>,
  { sequence, isWanted, isRead }: ComparisonContext,
): Baseline['due'] {
  const isChanged = before === undefined || marksOf(before) !== marksOf(after)
  const due: { [L in List]?: number } = {}
  for (const list of lists) {
    if (!isWanted(list) || now.sizes[list] === 0) continue
    const isBlind = Object.keys(now.counts).length === 0 && now.sizes[list] === undefined
    const since = before?.due[list]
    if (since !== undefined) due[list] = since
    else if (isChanged || isBlind || !isRead(list)) due[list] = sequence
  }
  return due
}

function marksOf({ period, counts, sizes, lastSeenMs }: Omit<Baseline, 'due'>): string {
  return JSON.stringify([
    period,
    counters.map((counter) => counts[counter] ?? null),
    lists.map((list) => sizes[list] ?? null),
    lastSeenMs ?? null,
  ])
}
