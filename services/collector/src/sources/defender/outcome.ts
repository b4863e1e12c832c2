/** What follows from one page of a sweep: what is new, how far it was read, and what is in doubt. Pure but for the sweep's walk;
 *  that it is committed before anybody believes in it is stream.ts. */
import type { Page } from '@siem-relay/common'
import type { GapChange } from '../gaps.ts'
import { tenantOf } from '../settings.ts'
import { type DefenderSourceConfig, portalUrlOf } from './config.ts'
import type { ListQuery, StreamKind, Walk } from './paging.ts'
import {
  breakOffReread,
  doubtOfAway,
  doubtOfShort,
  endReread,
  endsShort,
  forgetOldGaps,
  type Noted,
  noteDoubt,
} from './reread.ts'
import type { RereadPace } from './reread-pace.ts'
import { type Selection, select } from './selection.ts'
import { completePoll, type StreamState, type Sweep, type SweepPlan } from './sweep.ts'

/** What is under way: the poll, or a wider sweep or the re-reading of a gap whose pages come between polls. */
export type Role = 'poll' | 'back' | 'reread'

/** A page's consequences, before they are durable. */
export interface Outcome {
  readonly role: Role
  readonly selection: Selection
  /** What the list holds behind this page, as far as the API counts. */
  readonly backlog: number | undefined
  readonly state: StreamState
  readonly gapChanges: readonly GapChange[]
  readonly isComplete: boolean
  /** The list ended before what the API counts. */
  readonly isShort: boolean
  /** The list went on behind the sweep's end. */
  readonly hasMore: boolean
}

/** What a page was read for, and what came. */
export interface Reading {
  readonly role: Role
  readonly state: StreamState
  readonly query: ListQuery
  readonly page: Page
  readonly serverMs: number | undefined
}

/** What the stream knows besides its state. */
export interface Knowledge {
  readonly kind: StreamKind
  readonly config: DefenderSourceConfig
  readonly plan: SweepPlan
  readonly awayMsMax: number
  readonly walk: Walk
  readonly pace: Pick<RereadPace, 'areCountsTrusted' | 'isShortAccepted'>
  readonly hasSeen: (id: string) => boolean
  readonly nowMs: number
}

/** @throws {RelayError} `RELAY_SOURCE_NO_PROGRESS` when pages go on without bringing anything. */
export function conclude({ role, state, query, page, serverMs }: Reading, knowledge: Knowledge): Outcome {
  const { plan, walk, pace, nowMs } = knowledge
  const before = state[role] as Sweep
  const targetMs = before.targetMs ?? serverMs
  const sweep: Sweep = targetMs === undefined ? before : { ...before, targetMs }
  const step = walk.next(sweep.position, page, targetMs)
  const selection = selectNew(role, state, page, knowledge)
  const { isComplete } = step
  const isShort = isComplete && pace.areCountsTrusted && endsShort(page, query)
  const readMs = Math.max(selection.readMs, sweep.position.boundMs)

  let noted: Noted = step.isComplete
    ? ended(role, state, sweep, { plan, readMs, nowMs, isAgain: isShort && !pace.isShortAccepted(isNew(selection)) })
    : { state: { ...state, [role]: { ...sweep, position: step.position } }, changes: [] }
  if (role === 'poll') {
    const askedMs = serverMs ?? nowMs
    const away = doubtOfAway(state, before, plan, askedMs, knowledge.awayMsMax)
    noted = noteDoubt({ ...noted, state: { ...noted.state, askedMs } }, away, nowMs)
  }
  if (isShort && role !== 'reread') noted = noteDoubt(noted, doubtOfShort(sweep, readMs), nowMs)
  return {
    role,
    selection,
    backlog: backlogOf(page, sweep),
    state: noted.state,
    gapChanges: noted.changes,
    isComplete,
    isShort,
    hasMore: !isComplete || page.hasNext,
  }
}

/** The sweep is over: it was given up, or got to its end. */
export function without(state: StreamState, role: Role): StreamState {
  const { [role]: _, ...rest } = state
  return rest
}

interface Ending {
  readonly plan: SweepPlan
  readonly readMs: number
  readonly nowMs: number
  /** The gap has to be read again once more. */
  readonly isAgain: boolean
}

function ended(role: Role, state: StreamState, sweep: Sweep, { plan, readMs, nowMs, isAgain }: Ending): Noted {
  switch (role) {
    case 'poll':
      return { state: forgetOldGaps(completePoll(state, sweep, plan, readMs, nowMs), nowMs), changes: [] }
    case 'back':
      return { state: without(state, 'back'), changes: [] }
    case 'reread':
      return isAgain ? { state: breakOffReread(state), changes: [] } : endReread(state)
    default:
      return role satisfies never
  }
}

function selectNew(role: Role, { watermarkMs }: StreamState, page: Page, knowledge: Knowledge): Selection {
  const { kind, config, plan, hasSeen, nowMs } = knowledge
  return select(
    page,
    {
      kind,
      sourceId: config.id,
      portalUrl: portalUrlOf(config),
      tenant: tenantOf(config),
      isVersioned: config.alertUpdates === 'all',
    },
    hasSeen,
    nowMs,
    role !== 'poll' && watermarkMs !== undefined ? watermarkMs - plan.settleMs : Number.NEGATIVE_INFINITY,
  )
}

const isNew = (selection: Selection): boolean => selection.records.length > 0

function backlogOf(page: Page, sweep: Sweep): number | undefined {
  if (page.total === undefined) return undefined
  return Math.max(0, page.total - sweep.position.skip - page.records.length)
}
