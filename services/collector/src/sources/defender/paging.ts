/** How a sweep walks through a list that grows while it is read. Pure: position and page in, next position out.
 *
 *  By key: the next page begins at the time of the last record, that time included, since several records may share it;
 *  what was seen is dropped by id. Where a whole page shares its time, or is not in order, the walk goes on by skip at the
 *  same bound. In scan mode the API says itself how to go on. */
import { type Page, type PageRecord, RelayError } from '@siem-relay/common'

export type StreamKind = 'alerts' | 'activities'

type Filters = Readonly<Record<string, unknown>>

export interface Position {
  /** Everything earlier was read. Milliseconds since the epoch, of `date` (alerts) or `created` (activities). */
  readonly boundMs: number
  /** Records at or after the bound that were read. */
  readonly skip: number
  /** Filters of the next page, as the API gave them in scan mode. */
  readonly scan?: Filters
}

export interface ListQuery {
  readonly filters: Filters
  readonly sortField: 'date' | 'created'
  readonly sortDirection: 'asc'
  readonly limit: number
  readonly skip?: number
  readonly isScan?: true
}

export interface PageSizes {
  readonly pageSize: number
  /** Undefined: no scan mode. */
  readonly scanLimit: number | undefined
}

const filterFields = { alerts: 'date', activities: 'created' } as const

export function queryOf(kind: StreamKind, position: Position, { pageSize, scanLimit }: PageSizes): ListQuery {
  const sortField = filterFields[kind]
  const byKey = { [sortField]: { gte: position.boundMs } }
  // Scan mode knows no skip: a tie that fills a whole page is walked through by plain pages.
  if (scanLimit !== undefined && position.skip === 0)
    return { filters: position.scan ?? byKey, sortField, sortDirection: 'asc', limit: scanLimit, isScan: true }
  return { filters: byKey, sortField, sortDirection: 'asc', skip: position.skip, limit: pageSize }
}

/** The time a stream is read by; an activity without `created` is taken at the time it happened. */
export function timeOf(kind: StreamKind, record: PageRecord): number | undefined {
  return kind === 'alerts' ? record.timestampMs : (record.createdMs ?? record.timestampMs)
}

export type Step = { readonly isComplete: true } | { readonly isComplete: false; readonly position: Position }

/** Pages in a row that may bring nothing new: the first one after the bound moved, and held-back ends in scan mode. */
const idlePagesMax = 3
/** At this many ids a walk along one bound forgets and begins counting anew; a page that comes for ever is far shorter. */
const idsMax = 500_000
/** Filters of the next page are kept in the state of the source; larger ones are not worth it. */
const scanFiltersCharactersMax = 65_536

/** Follows one sweep from page to page and notices when it goes in circles. */
export class Walk {
  readonly #kind: StreamKind
  #furthestMs = Number.NEGATIVE_INFINITY
  /** Ids since the furthest time moved. */
  #ids = new Set<string>()
  #idlePages = 0

  constructor(kind: StreamKind) {
    this.#kind = kind
  }

  /**
   * @param position where the page was asked for.
   * @param targetMs where the sweep may end, though the list goes on; undefined: only at the list's end.
   * @throws {RelayError} `RELAY_SOURCE_NO_PROGRESS` when pages go on without bringing anything.
   */
  next(position: Position, page: Page, targetMs: number | undefined): Step {
    if (!page.hasNext) return { isComplete: true }
    const order = this.#order(page.records)
    const { isAscending, lastMs } = order
    if (isAscending && targetMs !== undefined && lastMs > targetMs) return { isComplete: true }
    const isNews = this.#note(page, lastMs)
    const boundMs = isAscending ? Math.max(position.boundMs, lastMs) : position.boundMs
    const scan = scanFilters(page.nextQueryFilters)
    if (scan !== undefined) return { isComplete: false, position: { boundMs, skip: 0, scan } }
    if (boundMs > position.boundMs) return { isComplete: false, position: { boundMs, skip: 0 } }
    // A page that was not asked for, or came before, moves nothing: going on by its length would leave records out. Only the
    // first page at a bound may hold nothing but what the page before ended with.
    const isAnswer = order.firstMs >= position.boundMs && (isNews || position.skip === 0)
    const skip = position.skip + (isAnswer ? new Set(page.records.map((record) => record.id)).size : 0)
    return { isComplete: false, position: { boundMs, skip } }
  }

  #order(records: readonly PageRecord[]): { isAscending: boolean; firstMs: number; lastMs: number } {
    let firstMs = Number.POSITIVE_INFINITY
    let lastMs = Number.NEGATIVE_INFINITY
    let isAscending = true
    for (const record of records) {
      const ms = timeOf(this.#kind, record)
      if (ms === undefined) continue
      if (ms < firstMs) firstMs = ms
      if (ms < lastMs) isAscending = false
      else lastMs = ms
    }
    return { isAscending, firstMs, lastMs }
  }

  /** @returns whether the page goes further than any before, or holds an id that none did. */
  #note(page: Page, lastMs: number): boolean {
    const isFurther = lastMs > this.#furthestMs
    if (isFurther || this.#ids.size > idsMax) this.#ids = new Set()
    const known = this.#ids.size
    for (const record of page.records) this.#ids.add(record.id)
    if (isFurther) this.#furthestMs = lastMs
    const isNews = isFurther || this.#ids.size > known
    this.#idlePages = isNews ? 0 : this.#idlePages + 1
    const isEmpty = page.records.length === 0 && page.nextQueryFilters === undefined
    if (isEmpty || this.#idlePages > idlePagesMax)
      throw new RelayError(
        'RELAY_SOURCE_NO_PROGRESS',
        `the API says more ${this.#kind} follow but ${isEmpty ? 'gave none' : `repeats the same ${page.records.length}`}; this sweep is given up`,
      )
    return isNews
  }
}

function scanFilters(value: unknown): Filters | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  return JSON.stringify(value).length <= scanFiltersCharactersMax ? (value as Filters) : undefined
}
