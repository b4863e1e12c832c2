/** One sweep after another. First the sums of every app, stream by stream: what grew and the new baselines commit together, page by
 *  page. Then, as far as there is time until the next sweep, the lists of apps that changed. A sweep that is cut off anywhere has lost
 *  nothing and the next one begins at the front: what was committed shows no growth any more, and lists that are due stay due. */
import type { NewRecord, StateChange } from '@siem-relay/bus'
import { RelayError } from '@siem-relay/common'
import { durationMs } from '../../duration.ts'
import { type Baseline, compareApp, missApp } from './differences.ts'
import { type Place, placeKeyOf } from './ledger.ts'
import { readList } from './list.ts'
import { type Listing, readListing, unknownStreams } from './listing.ts'
import { lists, readApp, type StreamReading } from './reading.ts'
import { growthRecord } from './rows.ts'
import { batchMax, contextOf, priorities, quoted, type SweeperParts, type Task, urlOf } from './sweep-parts.ts'

/** After so many apps in a row whose list cannot be read, those of the stream wait for the next sweep. */
const listFailuresMax = 5

export class Sweeper {
  readonly #parts: SweeperParts
  readonly #tasks = new Map<string, Task>()

  constructor(parts: SweeperParts) {
    this.#parts = parts
  }

  /** Reads the sums of all streams. @returns whether all of them could be read. @throws when the log is lost to this owner. */
  async readApps(): Promise<boolean> {
    const { ledger, commit } = this.#parts
    await commit({
      records: [],
      state: [ledger.changeSweep({ ...ledger.sweep, sequence: ledger.sweep.sequence + 1 })],
    })
    let listing: Listing | undefined
    await this.#attempt('streams', async () => {
      listing = await readListing(this.#parts)
      await this.#missStreams(listing.listed)
    })
    if (listing === undefined) return false
    const { selected, missing, serverMs } = listing
    this.#parts.passed((part) => part.startsWith('apps/') && !selected.some(({ id }) => part === `apps/${id}`))
    if (missing.length > 0) this.#parts.failed('streams', unknownStreams(listing))
    let isWhole = missing.length === 0
    for (const stream of selected) {
      const isRead = await this.#attempt(`apps/${stream.id}`, () => this.#readStream(stream))
      isWhole &&= isRead
    }
    if (isWhole) await commit({ records: [], state: [ledger.changeSweep({ ...ledger.sweep, wholeAtMs: serverMs })] })
    return isWhole
  }

  /** Reads the lists that are due, those that wait longest first, until then by the monotonic clock. */
  async readLists(untilMs: number): Promise<void> {
    const { clock, ledger, passed } = this.#parts
    const due = Array.from(this.#tasks.values()).flatMap((task) =>
      lists.flatMap((list) => {
        const since = ledger.baseline(task.place)?.due[list]
        return since === undefined ? [] : [{ task, list, since, part: `${list}/${task.stream.id}` }]
      }),
    )
    const failures = new Map(due.map(({ part }) => [part, 0]))
    passed((part) => lists.some((list) => part.startsWith(`${list}/`)) && !failures.has(part))
    for (const { task, list, part } of due.toSorted((a, b) => a.since - b.since)) {
      if (clock.monotonicMs() >= untilMs) return
      const before = failures.get(part) ?? 0
      if (before >= listFailuresMax) continue
      const isRead = await this.#attempt(part, () => readList(this.#parts, list, task))
      failures.set(part, isRead ? 0 : before + 1)
      if (Object.keys(ledger.baseline(task.place)?.due ?? {}).length === 0) this.#tasks.delete(keyOf(task.place))
    }
  }

  async #readStream(stream: StreamReading): Promise<void> {
    const { config, clock, reader, leftOut, ledger } = this.#parts
    const seen = new Set<string>()
    let beyond = 0
    const subject = `apps of the stream ${quoted(stream.name)}`
    const request = { url: urlOf(config, stream), subject, priority: priorities.apps }
    for await (const page of reader.pages(request)) {
      const readMs = page.serverMs ?? clock.nowMs()
      for (let start = 0; start < page.items.length; start += batchMax)
        beyond += await this.#takeApps(stream, page.items.slice(start, start + batchMax), readMs, seen)
    }
    if (beyond > 0) leftOut('app', beyond, subject)
    await this.#miss(ledger.places(placeKeyOf(stream.id)).filter(({ app }) => !seen.has(app)))
  }

  /** @returns how many were left out. */
  async #takeApps(
    stream: StreamReading,
    items: readonly unknown[],
    readMs: number,
    seen: Set<string>,
  ): Promise<number> {
    const { config, ledger, commit, limits } = this.#parts
    const { period } = config
    const { sequence, wholeAtMs = readMs - durationMs(period) } = ledger.sweep
    const records: NewRecord[] = []
    const state: StateChange[] = []
    const taken: (readonly [Task, Baseline])[] = []
    let added = 0
    let beyond = 0
    for (const item of items) {
      const app = readApp(item)
      const place = { stream: placeKeyOf(stream.id), app: placeKeyOf(app?.id ?? '') }
      // Pages shift while they are read; the second time belongs to the next sweep.
      if (app !== undefined && seen.has(place.app)) continue
      const before = ledger.baseline(place)
      if (app === undefined || (before === undefined && ledger.apps + added >= limits.appsMax)) {
        beyond++
        continue
      }
      seen.add(place.app)
      if (before === undefined) added++
      const { growth, baseline } = compareApp(before, app, {
        period,
        sequence,
        isWanted: (list) => config[list],
        isRead: (list) => ledger.namesIn(list, place) !== undefined,
      })
      const { lastSeenMs } = app
      const timeMs = lastSeenMs !== undefined && lastSeenMs > wholeAtMs && lastSeenMs <= readMs ? lastSeenMs : readMs
      const task = { stream, app, place, timeMs }
      if (growth !== undefined) records.push(growthRecord(growth, contextOf(this.#parts, task)))
      state.push(...ledger.changesTo(place, baseline))
      taken.push([task, baseline])
    }
    await commit({ records, state })
    for (const [task, { due }] of taken) {
      if (Object.keys(due).length > 0) this.#tasks.set(keyOf(task.place), task)
      else this.#tasks.delete(keyOf(task.place))
    }
    return beyond
  }

  /** Streams that are not listed have no apps. */
  async #missStreams(listed: readonly StreamReading[]): Promise<void> {
    const keys = new Set(listed.map(({ id }) => placeKeyOf(id)))
    await this.#miss(this.#parts.ledger.places().filter(({ stream }) => !keys.has(stream)))
  }

  async #miss(places: readonly Place[]): Promise<void> {
    const { ledger, commit } = this.#parts
    for (let start = 0; start < places.length; start += batchMax) {
      const state = places.slice(start, start + batchMax).flatMap((place) => {
        this.#tasks.delete(keyOf(place))
        const before = ledger.baseline(place)
        const after = before === undefined ? undefined : missApp(before)
        return after === undefined ? ledger.forget(place) : ledger.changesTo(place, after)
      })
      await commit({ records: [], state })
    }
  }

  async #attempt(part: string, work: () => Promise<void>): Promise<boolean> {
    try {
      await work()
    } catch (error) {
      this.#parts.signal.throwIfAborted()
      if (isOfLog(error)) throw error
      this.#parts.failed(part, error)
      return false
    }
    this.#parts.passed((one) => one === part)
    return true
  }
}

const keyOf = ({ stream, app }: Place): string => `${stream}/${app}`

/** The log is lost to this owner, or what it kept is; no part of the sweep can go on. */
function isOfLog(error: unknown): boolean {
  return error instanceof RelayError && /^RELAY_(BUS|LOG)_/.test(error.code)
}
