/** Which time of a stream may be incomplete, and how it is read again: a third sweep beside polls and wider sweeps, after both.
 *  Pure; what gaps are is ../gaps.ts. */
import type { Page } from '@siem-relay/common'
import {
  addGap,
  beginReading,
  breakOff,
  cutGap,
  type Gap,
  type GapChange,
  isToldOf,
  nextGap,
  withoutOld,
  withoutRead,
} from '../gaps.ts'
import type { ListQuery, StreamKind } from './paging.ts'
import { reachMs, type StreamState, type Sweep, type SweepPlan } from './sweep.ts'

export type Doubt = Pick<Gap, 'fromMs' | 'toMs' | 'reason'>

export interface Noted {
  readonly state: StreamState
  readonly changes: readonly GapChange[]
}

/** How long the API has records. Activities: six months (documented for the portal's filters); alerts: 180 days (documented as
 *  the product's retention). That the API goes as far back is inferred; a shorter answer is an answer. */
const keptMs: Readonly<Record<StreamKind, number>> = { alerts: 180 * 86_400_000, activities: 180 * 86_400_000 }
/** A count may be taken a moment later than the list, while records arrive. */
const racingRecordsMax = 10

/** How long nobody may look before late records can be missed: as long as the widest sweep waits for its turn. */
export function awayMsMax(plan: SweepPlan, pollMs: number): number {
  return Math.min(plan.back[0]?.everyMs ?? 0, reachMs(plan)) + pollMs
}

/**
 * What is in doubt when nobody asked for long: up to where it was read before, records may have appeared late, and wider sweeps
 * reach back from now, not from then. What came after is read by the poll.
 * @param poll under way; its page was answered at `serverMs`.
 */
export function doubtOfAway(
  state: StreamState,
  poll: Sweep,
  plan: SweepPlan,
  serverMs: number,
  maxMs: number,
): Doubt | undefined {
  const { watermarkMs } = state
  // A cursor of an earlier version knows no better.
  const askedMs = state.askedMs ?? (watermarkMs === undefined ? undefined : watermarkMs + plan.settleMs)
  if (askedMs === undefined || serverMs - askedMs <= maxMs) return undefined
  // Records dated in the future say nothing about how far it was read.
  const readMs = Math.min(Math.max(poll.position.boundMs, watermarkMs ?? 0), askedMs)
  const reach = reachMs(plan)
  return { fromMs: readMs - reach, toMs: Math.min(readMs, serverMs - plan.settleMs - reach), reason: 'away' }
}

/** What is in doubt when a sweep is given up: the rest of it. A narrower one needs no other reading: the widest follows. */
export function doubtOfGivenUp(
  sweep: Sweep,
  plan: SweepPlan,
  isInconsistent: boolean,
  nowMs: number,
): Doubt | undefined {
  if (!isInconsistent && sweep.name !== plan.back[0]?.name) return undefined
  return {
    fromMs: sweep.position.boundMs,
    toMs: sweep.targetMs ?? nowMs,
    reason: isInconsistent ? 'inconsistent' : 'given-up',
  }
}

/** What is in doubt when a list ended short: all behind where it was asked for. @param readMs the latest time in it. */
export function doubtOfShort(sweep: Sweep, readMs: number): Doubt {
  const toMs = Math.max(sweep.targetMs ?? readMs, readMs) + 1
  return { fromMs: sweep.position.boundMs, toMs, reason: 'inconsistent' }
}

/** Whether a list ends although the API counts clearly more. In scan mode the meaning of the count is not known. */
export function endsShort(page: Page, query: ListQuery): boolean {
  if (page.hasNext || page.total === undefined || query.isScan === true) return false
  return page.total > (query.skip ?? 0) + page.records.length + racingRecordsMax
}

/**
 * Takes a doubt up. What is before the first start was never meant to be read. A gap that grows is told once, when it opens;
 * one that grows ahead of its reading is read on.
 */
export function noteDoubt({ state, changes }: Noted, doubt: Doubt | undefined, nowMs: number): Noted {
  if (doubt === undefined) return { state, changes }
  const gap: Gap = { ...doubt, fromMs: Math.max(doubt.fromMs, state.floorMs ?? 0), state: 'open', sinceMs: nowMs }
  if (gap.fromMs >= gap.toMs) return { state, changes }
  const before = state.gaps ?? []
  const gaps = addGap(before, gap)
  const joined = gaps.find((each) => each.state === 'open' && each.fromMs <= gap.fromMs && each.toMs >= gap.toMs)
  const told = isToldOf(before, gap) ? changes : [...changes, { type: 'opened', gap } as const]
  const { reread } = state
  const reading = before.find((each) => each.state === 'reading')
  const isAhead = reread !== undefined && reading?.fromMs === joined?.fromMs && reread.position.boundMs <= gap.fromMs
  if (joined === undefined || !isAhead) return { state: withGaps(state, gaps), changes: told }
  const longer = { ...state, reread: { ...reread, targetMs: joined.toMs } }
  return { state: withGaps(longer, beginReading(gaps, joined)), changes: told }
}

/**
 * Goes on reading again, or begins; what cannot be read without repeats is told and left.
 * @param coveredSinceMs from when on seen ids are complete; undefined: all of them.
 * @returns a state with a `reread`, when there is something to read.
 */
export function takeUpGap(
  kind: StreamKind,
  before: StreamState,
  coveredSinceMs: number | undefined,
  nowMs: number,
): Noted {
  const changes: GapChange[] = []
  const readableMs = Math.max(coveredSinceMs ?? Number.NEGATIVE_INFINITY, nowMs - keptMs[kind])
  let state = before
  for (;;) {
    const gaps = state.gaps ?? []
    const gap = nextGap(gaps)
    if (gap === undefined) return { state, changes }
    const isUnderWay = gap.state === 'reading' && state.reread !== undefined
    const readMs = isUnderWay ? (state.reread?.position.boundMs ?? gap.fromMs) : gap.fromMs
    const { gaps: left, lost } = cutGap(gaps, gap, readMs, readableMs, nowMs)
    if (lost === undefined) {
      if (isUnderWay) return { state, changes }
      const reread: Sweep = { name: 'reread', position: { boundMs: gap.fromMs, skip: 0 }, targetMs: gap.toMs }
      return { state: { ...state, gaps: beginReading(gaps, gap), reread }, changes }
    }
    changes.push({ type: 'unverifiable', gap: lost })
    state = withGaps(state, left)
  }
}

/** All of the gap was read again. */
export function endReread(state: StreamState): Noted {
  const gaps = state.gaps ?? []
  const read = gaps.find((gap) => gap.state === 'reading')
  return {
    state: withGaps(state, withoutRead(gaps)),
    changes: read === undefined ? [] : [{ type: 'whole', gap: read }],
  }
}

/** The gap is begun anew, later. */
export function breakOffReread(state: StreamState): StreamState {
  return withGaps(state, breakOff(state.gaps ?? []))
}

/** What was told to be lost long ago is told no more. */
export function forgetOldGaps(state: StreamState, nowMs: number): StreamState {
  return state.gaps === undefined ? state : withGaps(state, withoutOld(state.gaps, nowMs))
}

/** A reread belongs to the gap that is being read. */
function withGaps(state: StreamState, gaps: readonly Gap[]): StreamState {
  const { gaps: _, reread, ...rest } = state
  const isReading = reread !== undefined && gaps.some((gap) => gap.state === 'reading')
  return { ...rest, ...(gaps.length > 0 && { gaps }), ...(isReading && { reread }) }
}
