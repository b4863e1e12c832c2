/** The alerts of one tenant, from sweep to sweep: reads a page, commits its new records, and moves the cursor when a sweep has
 *  read all of its ranges. All decisions stand here; requests are client.ts, which ranges there are ranges.ts, what is new
 *  selection.ts. A sweep is not kept over restarts: it begins anew, and ids say what of it was taken already. */
import type { State } from '@siem-relay/bus'
import { dispositionOf, RelayError, SeenIds } from '@siem-relay/common'
import { backoffMs } from '@siem-relay/service-kit'
import { durationMs } from '../../duration.ts'
import { PermissionError } from '../api-client.ts'
import { commitAtLast } from '../commit.ts'
import { tellGaps } from '../gap-report.ts'
import { slowRetryMs } from '../hold.ts'
import type { PolledParts, PolledStream } from '../polled.ts'
import { StreamReport } from '../report.ts'
import { untilAllowed } from '../room.ts'
import type { SourceContext, StreamStatus } from '../source.ts'
import type { GraphAlertsClient, Listed } from './client.ts'
import type { GraphAlertsSourceConfig } from './config.ts'
import { cursorKey, decodeState, encodeState, seenPrefix } from './cursor.ts'
import { firstPageUrl, nextPageUrl } from './query.ts'
import {
  completeSweep,
  cut,
  dueUnread,
  earliestAgainMs,
  gapChanges,
  gapsOf,
  noteRead,
  noteUnread,
  planSweep,
  type Range,
  type StreamState,
} from './ranges.ts'
import { type Selection, select } from './selection.ts'
import { timeOfMs } from './time.ts'
import { Walk } from './walk.ts'

export interface GraphAlertStreamParts extends Pick<PolledParts, 'hold' | 'commit'> {
  readonly config: GraphAlertsSourceConfig
  readonly context: SourceContext
  readonly client: GraphAlertsClient
}

/** A range still to be read. */
interface Pending extends Range {
  /** Cut out of one that failed, or tried again: one failure says enough. */
  readonly isSuspect?: true
}

interface Sweep {
  /** By the monotonic clock. */
  readonly startedMs: number
  /** When it began: as the server said with its first answer, else by our own idea of its clock. */
  readonly serverMs: number | undefined
  readonly guessedMs: number
  /** The first one is being read. */
  readonly pending: readonly Pending[]
  readonly walk: Walk
  /** Failures since the range got further. */
  readonly failures: number
  /** Most pages of the range that a walk has read. */
  readonly furthest: number
  readonly cuts: number
  readonly latest: string | undefined
}

const kind = 'alerts'
/** Some 100 bytes each. */
const idsMax = 100_000
/** An update of an alert that was taken this long ago is still known for one, where updates are not wanted. */
const idsKeptMs = 90 * 86_400_000
/** Versions are kept this much longer than any sweep reaches back. */
const expiryMarginMs = 10 * 60_000
const backoff = { minMs: 1_000, maxMs: 5 * 60_000 }
/** So often a page is asked for before the range is suspected. */
const attemptsMax = 3
/** Cuts of one sweep: enough to find five alerts that break their pages to the tick; beyond it wider ranges are set aside. */
const cutsMax = 200
const skewMsMax = 60_000
const dayMs = 86_400_000
const priorities = { poll: 0, again: 2 } as const

export class GraphAlertStream implements PolledStream {
  readonly kind = kind
  readonly #parts: GraphAlertStreamParts
  readonly #overlapMs: number
  readonly #seen = new SeenIds({ prefix: seenPrefix, idsMax })
  readonly #report: StreamReport
  #state: StreamState = {}
  /** The same as the log has it. */
  #committed: StreamState = {}
  #isFloorGuessed = false
  #sweep: Sweep | undefined
  /** How far the server's clock is ahead of ours: its times are what ranges are made of. */
  #skewMs = 0
  #pollAtMs = Number.NEGATIVE_INFINITY

  constructor(parts: GraphAlertStreamParts) {
    this.#parts = parts
    this.#overlapMs = parts.config.overlapMinutes * 60_000
    this.#report = new StreamReport(parts.context.world, { source: parts.config.id, kind })
  }

  status(): StreamStatus {
    return this.#report.status(this.#committed.watermarkMs, gapsOf(this.#committed))
  }

  restore(state: State): void {
    this.#seen.restore(state)
    this.#state = decodeState(state.get(cursorKey))
    this.#committed = this.#state
    this.#isFloorGuessed = this.#state.floor === undefined
    if (this.#isFloorGuessed) this.#setFloor(this.#clock.nowMs())
  }

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
    if (this.#sweep === undefined) {
      const idleMs = this.#pollAtMs - this.#clock.monotonicMs()
      if (idleMs > 0) return this.#clock.sleep(idleMs, signal)
      this.#sweep = this.#begin()
    }
    const [range] = this.#sweep.pending
    if (range === undefined) return this.#commit(this.#sweep, nothing, signal)
    let step: { readonly sweep: Sweep; readonly selection: Selection; readonly read?: Range } | undefined
    try {
      step = await this.#read(this.#sweep, range, signal)
    } catch (error) {
      signal.throwIfAborted()
      return this.#recover(this.#sweep, range, error, signal)
    }
    if (step === undefined) return
    if (step.read !== undefined) this.#state = noteRead(this.#state, step.read)
    await this.#commit(step.sweep, step.selection, signal)
  }

  #begin(): Sweep {
    const nowMs = this.#serverNowMs()
    const again = dueUnread(this.#state, nowMs).map((range) => ({ ...range, isSuspect: true as const }))
    return {
      startedMs: this.#clock.monotonicMs(),
      serverMs: undefined,
      guessedMs: nowMs,
      pending: [...planSweep(this.#state, this.#overlapMs, nowMs), ...again],
      ...fresh,
      walk: new Walk(),
      cuts: 0,
      latest: undefined,
    }
  }

  /** One page and what follows from it; nothing when the sweep was begun by a wrong clock. */
  async #read(before: Sweep, range: Pending, signal: AbortSignal) {
    const { config, hold } = this.#parts
    const { walk } = before
    const url = walk.link ?? firstPageUrl(config, range, config.pageSize)
    const { page, serverMs } = await this.#list(url, range, signal)
    hold.passed()
    if (this.#isFloorGuessed && this.#correctFloor(serverMs)) {
      this.#sweep = undefined
      return undefined
    }
    const next = page.nextLink === undefined ? undefined : nextPageUrl(config, page.nextLink)
    const lateBefore = range.isSuspect ? undefined : this.#state.cursor
    const selection = select(page, config, (id) => this.#seen.has(id), this.#clock.nowMs(), lateBefore)
    const isWhole = walk.follow(page, next, selection.records.length)
    const read = [before.latest, selection.latest].filter((time) => time !== undefined).sort()
    const isFurther = walk.pages > before.furthest
    const sweep: Sweep = {
      ...before,
      serverMs: before.serverMs ?? serverMs,
      latest: read.at(-1),
      failures: isFurther ? 0 : before.failures,
      furthest: Math.max(before.furthest, walk.pages),
    }
    if (!isWhole) return { sweep, selection }
    if (range.to !== undefined && walk.isDoubtful) return { sweep: { ...sweep, walk: new Walk() }, selection }
    return {
      sweep: { ...sweep, ...fresh, walk: new Walk(), pending: before.pending.slice(1) },
      selection,
      read: range,
    }
  }

  async #list(url: URL, range: Pending, signal: AbortSignal): Promise<Listed> {
    const listed = await this.#parts.client.list(url, range.isSuspect ? priorities.again : priorities.poll, signal)
    if (listed.serverMs !== undefined) this.#skewMs = listed.serverMs - this.#clock.nowMs()
    return listed
  }

  async #commit(sweep: Sweep, selection: Selection, signal: AbortSignal): Promise<void> {
    const { config, context, commit } = this.#parts
    const isComplete = sweep.pending.length === 0
    const overlapMs = this.#overlapMs
    const state = isComplete ? completeSweep(this.#state, sweep.latest, { ...sweep, overlapMs }) : this.#state
    const againMs = earliestAgainMs(state, overlapMs)
    const nowMs = this.#serverNowMs()
    const keptMs = config.alertUpdates === 'first' ? idsKeptMs : expiryMarginMs
    const chunks = this.#seen.addChunk(selection.ids, nowMs, Math.min(againMs, nowMs) - keptMs)
    const changes = {
      records: selection.records,
      state: [{ key: cursorKey, value: encodeState(state) }, ...chunks],
    }
    await commitAtLast(commit, changes, context.world, this.#report, signal)
    this.#seen.commit()
    tellGaps(context.world, context.metrics, { source: config.id, kind }, gapChanges(this.#committed, state))
    this.#state = state
    this.#committed = state
    this.#sweep = isComplete ? undefined : sweep
    if (isComplete) this.#pollAtMs = sweep.startedMs + config.pollSeconds * 1_000
    const labels = { source: config.id, kind }
    context.metrics.received.inc(labels, selection.records.length)
    if (selection.late > 0) context.metrics.late.inc(labels, selection.late)
    // While a range is being cut, its failures are what there is to tell.
    if (sweep.cuts === 0 || isComplete) this.#tell()
  }

  #tell(): void {
    const { unread = [] } = this.#state
    const [first] = unread
    if (first === undefined || !this.status().hasSucceeded) this.#report.success(undefined)
    if (first === undefined) return
    const others = unread.length === 1 ? '' : ` (and ${unread.length - 1} more time ranges)`
    const message = `alerts last updated from ${first.from} to before ${first.to}${others} cannot be read; everything else is collected, and they are tried again`
    this.#report.trouble('error', new RelayError('RELAY_SOURCE_UNREAD', message))
  }

  async #recover(sweep: Sweep, range: Pending, error: unknown, signal: AbortSignal): Promise<void> {
    const isStop = dispositionOf(error) === 'stop'
    const code = error instanceof RelayError ? error.code : undefined
    const isLinked = sweep.walk.link !== undefined
    // What Graph says of its own link is no fault of the settings.
    const isOurs = isStop && !(isLinked && code === 'RELAY_SOURCE_REQUEST')
    this.#report.trouble(isOurs ? 'error' : 'waiting', error)
    if (code === 'RELAY_SOURCE_AUTH' && !(error instanceof PermissionError)) return this.#parts.hold.refused(error)
    // The gate keeps the pause for everybody.
    if (code === 'RELAY_SOURCE_THROTTLED') return
    const failures = sweep.failures + 1
    // A page that is away for a moment is asked for again; whatever else is wrong with it, the range begins anew.
    const walk = code === 'RELAY_SOURCE_UNAVAILABLE' ? sweep.walk : new Walk()
    this.#sweep = { ...sweep, failures, walk }
    if (!isOurs && (range.isSuspect || failures >= attemptsMax) && (await this.#canReadElsewhere(signal)))
      return this.#isolate(this.#sweep, range)
    const { random } = this.#parts.context.world
    const ownMs = isOurs ? slowRetryMs(failures) : backoffMs(failures, backoff, random)
    const askedMs = error instanceof RelayError ? (error.retryAfterMs ?? 0) : 0
    await this.#clock.sleep(Math.max(ownMs, askedMs), signal)
  }

  /** Whether the trouble is with the range, not with the API: a list that must be empty is answered. */
  async #canReadElsewhere(signal: AbortSignal): Promise<boolean> {
    const nothingYet = { from: timeOfMs(this.#serverNowMs() + 365 * dayMs) }
    try {
      await this.#list(firstPageUrl(this.#parts.config, nothingYet, 1), { ...nothingYet, isSuspect: true }, signal)
      return true
    } catch {
      signal.throwIfAborted()
      return false
    }
  }

  /** Cuts the range, or sets it aside for later. */
  #isolate(sweep: Sweep, range: Pending): void {
    const nowMs = this.#serverNowMs()
    const { from, to } = range
    const parts = to === undefined || sweep.cuts < cutsMax ? cut(range, timeOfMs(nowMs)) : undefined
    const rest = sweep.pending.slice(1)
    if (parts === undefined && to !== undefined) this.#state = noteUnread(this.#state, { from, to }, nowMs)
    const pending = [...(parts ?? []).map((part) => ({ ...part, isSuspect: true as const })), ...rest]
    this.#sweep = { ...sweep, ...fresh, walk: new Walk(), pending, cuts: sweep.cuts + 1 }
  }

  #setFloor(nowMs: number): void {
    this.#state = { floor: timeOfMs(nowMs - durationMs(this.#parts.config.lookback)) }
  }

  #serverNowMs(): number {
    return this.#clock.nowMs() + this.#skewMs
  }

  /** @returns true when the first page was asked for by a wrong clock, and has to be read again from the right place. */
  #correctFloor(serverMs: number | undefined): boolean {
    this.#isFloorGuessed = false
    const skewMs = serverMs === undefined ? 0 : serverMs - this.#clock.nowMs()
    if (serverMs === undefined || Math.abs(skewMs) <= skewMsMax) return false
    this.#report.warn({ skewMs }, 'local clock differs from the source')
    this.#setFloor(serverMs)
    return true
  }

  get #clock() {
    return this.#parts.context.world.clock
  }
}

const nothing: Selection = { records: [], ids: [], latest: undefined, late: 0 }
const fresh = { failures: 0, furthest: 0 } as const
