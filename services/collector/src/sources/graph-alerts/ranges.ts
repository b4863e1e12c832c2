/** Which time ranges of lastUpdateDateTime are read when. Pure.
 *
 *  A sweep reads from a little behind the cursor to the end, in ranges, the oldest first, and moves the cursor when all of them
 *  were read. A range whose page fails for ever is cut in halves until what cannot be read is as small as it gets; that is set
 *  aside, so that everything else goes on, and tried again later. */
import type { Gap, GapChange } from '../gaps.ts'
import { distance, midpoint, msOf, plusMs, timeOfMs } from './time.ts'

/** From a time on, before another; without `to` to the end of the list. */
export interface Range {
  readonly from: string
  readonly to?: string
}

/** A range that could not be read. */
interface UnreadRange {
  readonly from: string
  readonly to: string
  /** When it was found. */
  readonly sinceMs: number
  readonly tries: number
  readonly retryAtMs: number
}

/** The stream's memory over restarts. */
export interface StreamState {
  /** First start − lookback: where the first sweep begins. */
  readonly floor?: string
  /** The latest lastUpdateDateTime of the last complete sweep, or a little before that sweep's beginning. */
  readonly cursor?: string
  /** When the last complete sweep began, by the server's clock. */
  readonly watermarkMs?: number
  /** In order of time, apart from each other. */
  readonly unread?: readonly UnreadRange[]
}

/** So much is read at once at most: a long lookback begins with its oldest part, and ids are remembered over that much at least. */
const sliceMs = 6 * 3_600_000
const unreadMax = 100
const retryMs = { min: 5 * 60_000, max: 60 * 60_000 }

/** What a sweep reads, the oldest first: everything but what is known to be unreadable. */
export function planSweep(state: StreamState, overlapMs: number, nowMs: number): readonly Range[] {
  const floor = state.floor ?? timeOfMs(nowMs)
  const [, from = floor] = [floor, state.cursor === undefined ? floor : plusMs(state.cursor, -overlapMs)].sort()
  return (state.unread ?? []).reduce((ranges, gap) => without(ranges, gap), slices(from, timeOfMs(nowMs)))
}

/** Unreadable ranges that may be tried again. */
export function dueUnread({ unread = [] }: StreamState, nowMs: number): readonly Range[] {
  return unread.filter(({ retryAtMs }) => retryAtMs <= nowMs).map(({ from, to }) => ({ from, to }))
}

function slices(from: string, now: string): readonly Range[] {
  const ranges: Range[] = []
  let start = from
  for (let end = plusMs(start, sliceMs); end < now; end = plusMs(start, sliceMs)) {
    ranges.push({ from: start, to: end })
    start = end
  }
  return [...ranges, { from: start }]
}

/**
 * The halves of a range; of one that goes to the end of the list what is before now, and what is behind.
 * @returns none for what is behind now and may be left for the next sweep; undefined when there is nothing to cut.
 */
export function cut(range: Range, now: string): readonly Range[] | undefined {
  const { from, to } = range
  if (to === undefined) return from >= now ? [] : [{ from, to: now }, { from: now }]
  const middle = midpoint(from, to)
  if (middle === undefined) return undefined
  return [
    { from, to: middle },
    { from: middle, to },
  ]
}

/** The range was read, whole. */
export function noteRead(state: StreamState, range: Range): StreamState {
  if (state.unread === undefined) return state
  const unread = state.unread.flatMap((gap) =>
    without([gap], range).map(({ from, to = gap.to }) => ({ ...gap, from, to })),
  )
  return { ...state, unread }
}

/** The range could not be read: it is left for later. */
export function noteUnread(state: StreamState, range: Required<Range>, nowMs: number): StreamState {
  const before = (state.unread ?? []).filter(({ from, to }) => from < range.to && range.from < to)
  const tries = 1 + Math.max(0, ...before.map((gap) => gap.tries))
  const waitMs = Math.min(retryMs.max, retryMs.min * 2 ** Math.min(tries - 1, 10))
  const sinceMs = Math.min(nowMs, ...before.map((gap) => gap.sinceMs))
  const added = { ...range, sinceMs, tries, retryAtMs: nowMs + waitMs }
  const rest = noteRead(state, range).unread ?? []
  return { ...state, unread: bounded([...rest, added].sort((a, b) => (a.from < b.from ? -1 : 1))) }
}

/**
 * A sweep has read all its ranges.
 * @param latest the latest lastUpdateDateTime it read; one in the future does not count.
 * @param serverMs when it began, by the server's clock; undefined when that never said the time. @param guessedMs the same as we think.
 */
export function completeSweep(
  state: StreamState,
  latest: string | undefined,
  { serverMs, guessedMs, overlapMs }: { readonly serverMs: number | undefined; guessedMs: number; overlapMs: number },
): StreamState {
  const beganMs = serverMs ?? guessedMs
  const began = timeOfMs(beganMs)
  const read = latest !== undefined && latest > began ? began : latest
  // Where nothing happens the cursor follows the server's clock, so that one busy minute is not read again for days.
  const settled = serverMs === undefined ? undefined : timeOfMs(serverMs - overlapMs)
  const times = [state.floor, state.cursor, read, settled].filter((time) => time !== undefined).sort()
  return { ...state, cursor: times.at(-1) as string, watermarkMs: Math.max(beganMs, state.watermarkMs ?? 0) }
}

/** Unread ranges as what is told of any source. */
export function gapsOf({ unread = [] }: StreamState): readonly Gap[] {
  return unread.map(({ from, to, sinceMs }) => ({
    fromMs: msOf(from),
    // Not included, so a range of ticks is a millisecond.
    toMs: msOf(to) + 1,
    reason: 'unreadable',
    state: 'open',
    sinceMs,
  }))
}

/** What became of them between two states: new ones, and those of which nothing is left. */
export function gapChanges(before: StreamState, after: StreamState): readonly GapChange[] {
  const [old, now] = [gapsOf(before), gapsOf(after)]
  const isIn = (gap: Gap, gaps: readonly Gap[]): boolean =>
    gaps.some(({ fromMs, toMs }) => fromMs < gap.toMs && gap.fromMs < toMs)
  return [
    ...now.filter((gap) => !isIn(gap, old)).map((gap) => ({ type: 'opened', gap }) as const),
    ...old.filter((gap) => !isIn(gap, now)).map((gap) => ({ type: 'whole', gap }) as const),
  ]
}

/** The earliest time that may be read again, in milliseconds. */
export function earliestAgainMs({ floor, cursor, unread = [] }: StreamState, overlapMs: number): number {
  const starts = [
    ...unread.map(({ from }) => msOf(from)),
    cursor === undefined ? msOf(floor as string) : msOf(cursor) - overlapMs,
  ]
  return Math.min(...starts)
}

/** What is left of ranges when a gap is taken out. */
function without(ranges: readonly Range[], gap: Range): readonly Range[] {
  return ranges.flatMap((range) => {
    const { from, to } = range
    if ((gap.to !== undefined && gap.to <= from) || (to !== undefined && to <= gap.from)) return [range]
    const head = from < gap.from ? [{ from, to: gap.from }] : []
    const hasTail = gap.to !== undefined && (to === undefined || gap.to < to)
    return hasTail ? [...head, to === undefined ? { from: gap.to } : { from: gap.to, to }] : head
  })
}

/** At the bound the two nearest become one, with what is between them: it is read again, which repeats nothing. */
function bounded(unread: readonly UnreadRange[]): readonly UnreadRange[] {
  if (unread.length <= unreadMax) return unread
  const gaps = unread.slice(1).map((gap, i) => distance((unread[i] as UnreadRange).to, gap.from))
  const at = gaps.indexOf(Math.min(...gaps))
  const [left, right] = [unread[at] as UnreadRange, unread[at + 1] as UnreadRange]
  const joined = {
    ...left,
    to: right.to,
    sinceMs: Math.min(left.sinceMs, right.sinceMs),
    retryAtMs: Math.min(left.retryAtMs, right.retryAtMs),
  }
  return [...unread.slice(0, at), joined, ...unread.slice(at + 2)]
}
