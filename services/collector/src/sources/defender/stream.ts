/** One stream of a source, alerts or activities, from sweep to sweep: reads a page, commits its new records together with the
 *  place it has reached, and only then believes in either. What is read when, and what becomes of trouble, stands here; requests
 *  are client.ts, what follows from a page outcome.ts, where to read next paging.ts, sweep.ts and reread.ts. */
import type { State } from '@siem-relay/bus'
import { dispositionOf, RelayError, SeenIds } from '@siem-relay/common'
import { backoffMs } from '@siem-relay/service-kit'
import { durationMs } from '../../duration.ts'
import { commitAtLast } from '../commit.ts'
import { tellGaps } from '../gap-report.ts'
import { type GapChange, heldSinceMs, nextGap } from '../gaps.ts'
import { slowRetryMs } from '../hold.ts'
import type { PolledParts } from '../polled.ts'
import { StreamReport } from '../report.ts'
import { untilAllowed } from '../room.ts'
import type { SourceContext, StreamStatus } from '../source.ts'
import { type DefenderClient, PermissionError } from './client.ts'
import type { DefenderSourceConfig } from './config.ts'
import { cursorKey, decodeCursor, encodeCursor, seenPrefix } from './cursor.ts'
import { conclude, type Outcome, type Role, without } from './outcome.ts'
import { type ListQuery, queryOf, type StreamKind, Walk } from './paging.ts'
import { awayMsMax, breakOffReread, doubtOfGivenUp, type Noted, noteDoubt, takeUpGap } from './reread.ts'
import { RereadPace } from './reread-pace.ts'
import {
  nextBackAtMs,
  noteBack,
  planOf,
  reachMs,
  type StreamState,
  type Sweep,
  type SweepPlan,
  startBack,
  startPoll,
} from './sweep.ts'

export interface StreamParts extends Pick<PolledParts, 'hold' | 'commit'> {
  readonly kind: StreamKind
  readonly config: DefenderSourceConfig
  readonly context: SourceContext
  readonly client: DefenderClient
}

/** Ids remembered, some 100 bytes each: at 50 activities a second the last 50 minutes. Beyond it sweeps reach back less. */
const idsMax = { alerts: 50_000, activities: 150_000 } as const
/** Ids stay this much longer than any sweep reaches back. */
const expiryMarginMs = 10 * 60_000
const backoff = { minMs: 1_000, maxMs: 5 * 60_000 }
/** A wider sweep that fails this often in a row waits for its next turn, so that polls go on. */
const backFailuresMax = 5
/** A local clock this far from the server's is not asked where to begin. */
const skewMsMax = 60_000
/** After the API refused scan mode, plain pages are read for this long before it is asked again. */
const scanPauseMs = 3_600_000

export class Stream {
  readonly kind: StreamKind
  readonly #parts: StreamParts
  readonly #plan: SweepPlan
  readonly #seen: SeenIds
  readonly #report: StreamReport
  #state: StreamState = {}
  /** No cursor was found, and no answer has told the server's time yet. */
  #isFloorGuessed = false
  readonly #awayMsMax: number
  #walks: Record<Role, Walk>
  #pollStartedMs = Number.NEGATIVE_INFINITY
  #pollAtMs = Number.NEGATIVE_INFINITY
  #noScanBeforeMs: number
  /** Failures since the last page. */
  #failures = 0
  /** Sweeps given up since the last one that ended, or that brought something. */
  #givenUp = 0
  readonly #pace = new RereadPace()

  constructor(parts: StreamParts) {
    this.kind = parts.kind
    this.#parts = parts
    this.#plan = planOf(parts.kind, parts.config)
    this.#report = new StreamReport(parts.context.world, { source: parts.config.id, kind: parts.kind })
    this.#seen = new SeenIds({ prefix: seenPrefix(parts.kind), idsMax: idsMax[parts.kind] })
    this.#awayMsMax = awayMsMax(this.#plan, parts.config.pollSeconds * 1_000)
    this.#walks = { poll: new Walk(parts.kind), back: new Walk(parts.kind), reread: new Walk(parts.kind) }
    this.#noScanBeforeMs =
      parts.config.scan && parts.kind === 'activities' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
  }

  status(): StreamStatus {
    return this.#report.status(this.#state.watermarkMs, this.#state.gaps)
  }

  /** Takes up where the last owner of the source stopped. */
  restore(state: State): void {
    this.#seen.restore(state)
    this.#state = decodeCursor(this.kind, state.get(cursorKey(this.kind)))
    this.#isFloorGuessed = this.#state.floorMs === undefined
    if (this.#isFloorGuessed) this.#state = { floorMs: this.#clock.nowMs() - durationMs(this.#parts.config.lookback) }
  }

  /** Collects until the signal is aborted. @throws when the log is lost to this owner. */
  async run(signal: AbortSignal): Promise<void> {
    try {
      while (!signal.aborted) await this.#turn(signal)
    } catch (error) {
      if (!signal.aborted) throw error
    } finally {
      this.#seen.rollback()
    }
  }

  async #turn(signal: AbortSignal): Promise<void> {
    const { context, hold } = this.#parts
    await untilAllowed({ world: context.world, hold, report: this.#report }, signal)
    const role = this.#nextRole()
    if (role === undefined) return this.#clock.sleep(this.#idleMs(), signal)
    let outcome: Outcome | undefined
    try {
      outcome = await this.#read(role, signal)
    } catch (error) {
      signal.throwIfAborted()
      return this.#recover(role, error, signal)
    }
    if (outcome !== undefined) await this.#commit(outcome, signal)
  }

  /** A poll that is due goes before a wider sweep that is under way, and that before reading again. */
  #nextRole(): Role | undefined {
    if (this.#state.poll !== undefined) return 'poll'
    const nowMs = this.#clock.nowMs()
    if (this.#clock.monotonicMs() >= this.#pollAtMs) {
      this.#state = { ...this.#state, poll: startPoll(this.#state, this.#plan, this.#seen.coveredSinceMs) }
      this.#walks.poll = new Walk(this.kind)
      this.#pollStartedMs = this.#clock.monotonicMs()
      return 'poll'
    }
    if (this.#state.back !== undefined) return 'back'
    if (this.#takesUpGap(nowMs)) return 'reread'
    const back = startBack(this.#state, this.#plan, nowMs, this.#seen.coveredSinceMs)
    if (back === undefined) return undefined
    this.#state = noteBack({ ...this.#state, back }, back.name, nowMs)
    this.#walks.back = new Walk(this.kind)
    return 'back'
  }

  #takesUpGap(nowMs: number): boolean {
    if (this.#state.gaps === undefined || this.#pace.waitMs(this.#clock.monotonicMs()) > 0) return false
    const before = this.#state.reread
    this.#note(takeUpGap(this.kind, this.#state, this.#seen.coveredSinceMs, nowMs))
    if (this.#state.reread !== before) this.#walks.reread = new Walk(this.kind)
    return this.#state.reread !== undefined
  }

  #idleMs(): number {
    const pollMs = this.#pollAtMs - this.#clock.monotonicMs()
    const nowMs = this.#clock.nowMs()
    const hasGap = nextGap(this.#state.gaps ?? []) !== undefined
    const rereadMs = hasGap ? this.#pace.waitMs(this.#clock.monotonicMs()) : Number.POSITIVE_INFINITY
    return Math.max(1, Math.min(pollMs, nextBackAtMs(this.#state, this.#plan, nowMs) - nowMs, rereadMs))
  }

  /** One page and what follows from it; nothing when the same place has to be read in another way first. */
  async #read(role: Role, signal: AbortSignal): Promise<Outcome | undefined> {
    const { config, client } = this.#parts
    const sweep = this.#state[role] as Sweep
    const isScanOff = this.#clock.monotonicMs() < this.#noScanBeforeMs
    const query = queryOf(this.kind, sweep.position, {
      pageSize: config.pageSize,
      scanLimit: isScanOff ? undefined : config.scanLimit,
    })
    // Alerts first, then activities; looking back can wait.
    const priority = role !== 'poll' ? 2 : this.kind === 'alerts' ? 0 : 1
    const listed = await client.list(this.kind, query, priority, signal)
    if (listed.type === 'refused') {
      this.#withoutScan(role, sweep, query, listed)
      return undefined
    }
    this.#parts.hold.passed()
    if (this.#isFloorGuessed && this.#correctFloor(listed.serverMs)) return undefined
    return conclude(
      { role, state: this.#state, query, page: listed.page, serverMs: listed.serverMs },
      {
        kind: this.kind,
        config,
        plan: this.#plan,
        awayMsMax: this.#awayMsMax,
        walk: this.#walks[role],
        pace: this.#pace,
        hasSeen: (id) => this.#seen.has(id),
        nowMs: this.#clock.nowMs(),
      },
    )
  }

  /** Tries until the log has it, or never will: nothing is read from the source meanwhile. */
  async #commit(outcome: Outcome, signal: AbortSignal): Promise<void> {
    const { selection, state } = outcome
    const horizonMs = (state.watermarkMs ?? Number.NEGATIVE_INFINITY) - reachMs(this.#plan) - expiryMarginMs
    const positions = [state.poll, state.back].map((sweep) => sweep?.position.boundMs ?? Number.POSITIVE_INFINITY)
    const timeMs = Number.isFinite(selection.latestMs) ? selection.latestMs : this.#clock.nowMs()
    const keptMs = Math.min(horizonMs, heldSinceMs(state.gaps ?? []), ...positions)
    const chunks = this.#seen.addChunk(selection.ids, timeMs, keptMs)
    const changes = {
      records: selection.records,
      state: [{ key: cursorKey(this.kind), value: encodeCursor(state) }, ...chunks],
    }
    await commitAtLast(this.#parts.commit, changes, this.#parts.context.world, this.#report, signal)
    this.#seen.commit()
    this.#state = state
    this.#committed(outcome)
  }

  #committed({ role, selection, backlog, gapChanges, isComplete, isShort, hasMore }: Outcome): void {
    const { config, context } = this.#parts
    const labels = { source: config.id, kind: this.kind }
    context.metrics.received.inc(labels, selection.records.length)
    if (selection.late > 0) context.metrics.late.inc(labels, selection.late)
    if (role === 'poll' && isComplete) {
      // Behind, the next poll follows at once; a list that goes on with nothing new, dated in the future, is no reason to hurry.
      const isBehind = hasMore && selection.records.length > 0
      this.#pollAtMs = isBehind ? Number.NEGATIVE_INFINITY : this.#pollStartedMs + config.pollSeconds * 1_000
    }
    this.#tell(gapChanges)
    if (role === 'reread' && isComplete) this.#rereadEnded(isShort, gapChanges.length > 0)
    this.#report.success(isComplete ? undefined : backlog)
    this.#failures = 0
    if (isComplete || selection.records.length > 0) this.#givenUp = 0
  }

  async #recover(role: Role, error: unknown, signal: AbortSignal): Promise<void> {
    this.#failures++
    const isStop = dispositionOf(error) === 'stop'
    const code = error instanceof RelayError ? error.code : undefined
    const isInconsistent = code === 'RELAY_SOURCE_NO_PROGRESS'
    const isGivenUp = role !== 'poll' && (isStop || this.#failures >= backFailuresMax)
    if (isInconsistent || isGivenUp) {
      this.#giveUp(role, isInconsistent)
      this.#givenUp++
    }
    this.#report.trouble(isStop ? 'error' : 'waiting', error)
    if (code === 'RELAY_SOURCE_AUTH' && !(error instanceof PermissionError)) return this.#parts.hold.refused(error)
    // The gate keeps the pause for everybody.
    if (code === 'RELAY_SOURCE_THROTTLED') return
    const attempt = Math.max(this.#failures, this.#givenUp)
    const ownMs = isStop ? slowRetryMs(attempt) : backoffMs(attempt, backoff, this.#parts.context.world.random)
    const askedMs = error instanceof RelayError ? (error.retryAfterMs ?? 0) : 0
    await this.#clock.sleep(Math.max(ownMs, askedMs), signal)
  }

  #giveUp(role: Role, isInconsistent: boolean): void {
    if (role === 'reread') {
      this.#state = breakOffReread(this.#state)
      this.#pace.brokeOff(this.#clock.monotonicMs())
    } else {
      const nowMs = this.#clock.nowMs()
      const doubt = doubtOfGivenUp(this.#state[role] as Sweep, this.#plan, isInconsistent, nowMs)
      this.#note(noteDoubt({ state: without(this.#state, role), changes: [] }, doubt, nowMs))
    }
  }

  /** A gap was read to the list's end. @param isWhole for good. */
  #rereadEnded(isShort: boolean, isWhole: boolean): void {
    const monotonicMs = this.#clock.monotonicMs()
    if (!isWhole) this.#pace.endedShort(monotonicMs)
    else {
      this.#pace.ended(isShort)
      if (isShort) this.#report.warn({}, 'the API counts more than it lists; its counts are left aside from now on')
    }
  }

  #note({ state, changes }: Noted): void {
    this.#state = state
    this.#tell(changes)
  }

  #tell(changes: readonly GapChange[]): void {
    const { config, context } = this.#parts
    tellGaps(context.world, context.metrics, { source: config.id, kind: this.kind }, changes)
  }

  /** First the API's own filters are given up, then scan mode; a plain query that is refused is an error. */
  #withoutScan(role: Role, sweep: Sweep, query: ListQuery, refusal: { status: number; problem: string }): void {
    if (query.isScan !== true)
      throw new RelayError(
        refusal.status === 200 ? 'RELAY_SOURCE_RESPONSE' : 'RELAY_SOURCE_REQUEST',
        `the API refused the query for ${this.kind} (${refusal.status}): ${refusal.problem}`,
      )
    const { boundMs } = sweep.position
    if (sweep.position.scan === undefined) this.#noScanBeforeMs = this.#clock.monotonicMs() + scanPauseMs
    this.#state = { ...this.#state, [role]: { ...sweep, position: { boundMs, skip: 0 } } }
    this.#report.warn(
      { problem: refusal.problem, scanFilters: sweep.position.scan !== undefined },
      'scan mode was refused',
    )
  }

  /** @returns true when the first page was asked for by a wrong clock, and has to be read again from the right place. */
  #correctFloor(serverMs: number | undefined): boolean {
    this.#isFloorGuessed = false
    const skewMs = serverMs === undefined ? 0 : serverMs - this.#clock.nowMs()
    if (serverMs === undefined || Math.abs(skewMs) <= skewMsMax) return false
    this.#report.warn({ skewMs }, 'local clock differs from the source')
    this.#state = { floorMs: serverMs - durationMs(this.#parts.config.lookback) }
    return true
  }

  get #clock() {
    return this.#parts.context.world.clock
  }
}
