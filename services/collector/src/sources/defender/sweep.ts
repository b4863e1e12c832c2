/** Which part of a stream is read when. Pure.
 *
 *  A poll reads from a little before the watermark to the list's end and moves the watermark; wider sweeps read further back,
 *  now and then, for records that appeared late. Everything read twice is dropped by id, so a sweep never reaches back
 *  further than ids are known. */

import { durationMs } from '../../duration.ts'
import type { Gap } from '../gaps.ts'
import type { DefenderSourceConfig } from './config.ts'
import type { Position, StreamKind } from './paging.ts'

export interface Sweep {
  readonly name: 'poll' | 'wide' | 'deep' | 'reread'
  readonly position: Position
  /** May end here though the list goes on: the server's time when a poll began, the watermark for the others. */
  readonly targetMs?: number
}

/** A stream's memory over restarts. */
export interface StreamState {
  /** Nothing earlier is ever read: first start − lookback. */
  readonly floorMs?: number
  /** Everything up to here was read. */
  readonly watermarkMs?: number
  readonly poll?: Sweep
  /** A wider sweep under way; polls go on between its pages. */
  readonly back?: Sweep
  /** When wider sweeps began last, by the local clock: late ones cost nothing but time. */
  readonly wideAtMs?: number
  readonly deepAtMs?: number
  /** When a poll was answered last, by the server's clock. */
  readonly askedMs?: number
  /** What may be incomplete. */
  readonly gaps?: readonly Gap[]
  /** One of the gaps being read again, after polls and wider sweeps. */
  readonly reread?: Sweep
}

export interface SweepPlan {
  readonly settleMs: number
  /** Widest first: it does the work of those after it. */
  readonly back: readonly BackSweep[]
}

interface BackSweep {
  readonly name: 'wide' | 'deep'
  readonly backMs: number
  readonly everyMs: number
}

export function planOf(kind: StreamKind, { overlap }: Pick<DefenderSourceConfig, 'overlap'>): SweepPlan {
  const own = overlap[kind]
  const deep: BackSweep[] =
    'deep' in own ? [{ name: 'deep', backMs: durationMs(own.deep), everyMs: durationMs(own.deepEvery) }] : []
  const wide: BackSweep = { name: 'wide', backMs: durationMs(own.wide), everyMs: durationMs(own.wideEvery) }
  return { settleMs: overlap.settleSeconds * 1_000, back: [...deep, wide] }
}

/** How far back any sweep may reach, and with it how long ids are of use. */
export function reachMs(plan: SweepPlan): number {
  return Math.max(plan.settleMs, ...plan.back.map((sweep) => sweep.backMs))
}

/** A new poll. @param coveredSinceMs from when on seen ids are complete; undefined: all of them. */
export function startPoll(state: StreamState, plan: SweepPlan, coveredSinceMs: number | undefined): Sweep {
  const floorMs = state.floorMs ?? 0
  const { watermarkMs } = state
  const fromMs = watermarkMs === undefined ? floorMs : from(watermarkMs, plan.settleMs, floorMs, coveredSinceMs)
  return { name: 'poll', position: { boundMs: fromMs, skip: 0 } }
}

/** The wider sweep that is due, if one is. */
export function startBack(
  state: StreamState,
  plan: SweepPlan,
  nowMs: number,
  coveredSinceMs: number | undefined,
): (Sweep & Pick<BackSweep, 'name'>) | undefined {
  const { watermarkMs } = state
  if (watermarkMs === undefined) return undefined
  const due = plan.back.find(({ name, everyMs }) => nowMs >= dueAtMs(state, name, everyMs, nowMs))
  if (due === undefined) return undefined
  const fromMs = from(watermarkMs, due.backMs, state.floorMs ?? 0, coveredSinceMs)
  return { name: due.name, position: { boundMs: fromMs, skip: 0 }, targetMs: watermarkMs }
}

/** When the next wider sweep is due, by the local clock. */
export function nextBackAtMs(state: StreamState, plan: SweepPlan, nowMs: number): number {
  return Math.min(...plan.back.map(({ name, everyMs }) => dueAtMs(state, name, everyMs, nowMs)))
}

/** The sweep of this name has begun, or counts as done: the deep one covers the wide one. */
export function noteBack(state: StreamState, name: 'wide' | 'deep', nowMs: number): StreamState {
  return name === 'deep' ? { ...state, deepAtMs: nowMs, wideAtMs: nowMs } : { ...state, wideAtMs: nowMs }
}

/**
 * A poll has read everything up to its target. The watermark never moves backwards.
 * @param readMs the latest time it read, for a server that does not say what time it is.
 */
export function completePoll(
  state: StreamState,
  sweep: Sweep,
  plan: SweepPlan,
  readMs: number,
  nowMs: number,
): StreamState {
  const { poll: _, ...rest } = state
  const settledMs = (sweep.targetMs ?? readMs) - plan.settleMs
  const next = { ...rest, watermarkMs: Math.max(state.watermarkMs ?? state.floorMs ?? 0, settledMs) }
  // The first poll has just read all that wider sweeps could.
  return state.watermarkMs === undefined ? noteBack(next, 'deep', nowMs) : next
}

function dueAtMs(state: StreamState, name: 'wide' | 'deep', everyMs: number, nowMs: number): number {
  const lastMs = state[`${name}AtMs`]
  // A clock that was set back must not put it off for long.
  return lastMs === undefined || lastMs > nowMs ? nowMs : lastMs + everyMs
}

/** Coverage beyond the watermark comes from records dated in the future; going by it would leave records out. */
function from(watermarkMs: number, backMs: number, floorMs: number, coveredSinceMs: number | undefined): number {
  const coveredMs = Math.min(coveredSinceMs ?? Number.NEGATIVE_INFINITY, watermarkMs)
  return Math.max(floorMs, watermarkMs - backMs, coveredMs)
}
