/** Makes one page out of a shelf: by skip and limit, or in scan mode by filters that lead to the next page.
 *  The walk begins where a binary search says and stops when the page is full, so that a page costs what it holds.
 *  Pure but for the shelf; reading the request and sending the page are left to others. */

import { type Filter, type FilterObject, isInside, type TimeClauses } from './filters.ts'
import type { ListQuery } from './list-query.ts'
import type { Shelf } from './store.ts'
import { type Entry, parseEntry, type TimeKey } from './time-index.ts'

/** The reply to a list request, its records as ready JSON. */
export interface Page {
  readonly records: readonly Buffer[]
  /** Everything beside `data`. */
  readonly envelope: Readonly<Record<string, unknown>>
  /** The reply up to its first record, of APIs that begin in another way. */
  readonly start?: Buffer
}

/** `total` is not counted beyond this; `moreThanTotal` says so. The service has such a bound, its size is not known. */
const totalMax = 10_000

export function listPage(shelf: Shelf, query: ListQuery, filter: Filter): Page {
  return query.isScan ? scanPage(shelf, query, filter) : skipPage(shelf, query, filter)
}

function skipPage(shelf: Shelf, query: ListQuery, filter: Filter): Page {
  const end = query.skip + query.limit
  const picked: Entry[] = []
  let count = 0
  for (const entry of matches(shelf, query, filter)) {
    if (count >= query.skip && count < end) picked.push(entry)
    count += 1
    // One beyond the page decides hasNext, one beyond the bound decides moreThanTotal.
    if (count > end && count > totalMax) break
  }
  return {
    records: picked.map((entry) => entry.json),
    envelope: {
      hasNext: count > end,
      max: query.limit,
      total: Math.min(count, totalMax),
      moreThanTotal: count > totalMax,
    },
  }
}

/** While more follows, the records of the page's last millisecond are held back: the next page begins with that
 *  millisecond, so each is listed once. Where all of the page shares one millisecond, the page takes all of it. */
function scanPage(shelf: Shelf, query: ListQuery, filter: Filter): Page {
  const key = keyOf(query)
  const picked: Entry[] = []
  let next: Entry | undefined
  for (const entry of matches(shelf, query, filter)) {
    const isFull = picked.length >= query.limit
    if (isFull && entry[key] !== picked[0]?.[key]) {
      next = entry
      break
    }
    picked.push(entry)
  }
  return next === undefined
    ? { records: picked.map((entry) => entry.json), envelope: { hasNext: false } }
    : heldBack(picked, next, query, key)
}

function heldBack(picked: readonly Entry[], next: Entry, query: ListQuery, key: TimeKey): Page {
  const last = picked[picked.length - 1] as Entry
  const isOneMillisecond = picked[0]?.[key] === last[key]
  const listed = isOneMillisecond ? picked : picked.filter((entry) => entry[key] !== last[key])
  const fromMs = isOneMillisecond ? next[key] : last[key]
  return {
    records: listed.map((entry) => entry.json),
    envelope: { hasNext: true, nextQueryFilters: narrowed(query, fromMs) },
  }
}

/** The same filters, begun where the page ended; other operators on the same time stay. */
function narrowed(query: ListQuery, fromMs: number): FilterObject {
  const bound = query.sortDirection === 'asc' ? 'gte' : 'lte'
  return { ...query.filters, [query.sortField]: { ...query.filters[query.sortField], [bound]: fromMs } }
}

function keyOf(query: ListQuery): TimeKey {
  return query.sortField === 'created' ? 'createdMs' : 'dateMs'
}

/** The entries that pass, in the order asked for. */
function* matches(shelf: Shelf, query: ListQuery, filter: Filter): Generator<Entry> {
  const key = keyOf(query)
  const other: TimeKey = key === 'dateMs' ? 'createdMs' : 'dateMs'
  const passes = (entry: Entry): boolean =>
    isInside(filter.times[key], entry[key]) &&
    isInside(filter.times[other], entry[other]) &&
    (filter.passes?.(entry) ?? true)

  const index = shelf.index(key)
  const [fromMs, toMs] = bounds(filter.times[key])
  const from = index.positionOf(fromMs)
  const to = index.positionOf(toMs + 1)
  const entries = index.ascending()
  if (query.sortField === 'severity') {
    yield* bySeverity(entries.slice(from, to).filter(passes), query.sortDirection)
    return
  }
  const step = query.sortDirection === 'asc' ? 1 : -1
  for (let position = step === 1 ? from : to - 1; position >= from && position < to; position += step) {
    const entry = entries[position] as Entry
    if (passes(entry)) yield entry
  }
}

/** The widest times that can pass. */
function bounds(clauses: TimeClauses): readonly [fromMs: number, toMs: number] {
  const from = clauses.map((spans) => Math.min(...spans.map((span) => span.fromMs)))
  const to = clauses.map((spans) => Math.max(...spans.map((span) => span.toMs)))
  return [Math.max(Number.NEGATIVE_INFINITY, ...from), Math.min(Number.POSITIVE_INFINITY, ...to)]
}

function bySeverity(entries: readonly Entry[], direction: 'asc' | 'desc'): readonly Entry[] {
  const severity = (entry: Entry): number =>
    Number(parseEntry<{ readonly severityValue?: unknown }>(entry).severityValue ?? -1)
  const keyed = entries.map((entry) => ({ entry, severity: severity(entry) }))
  keyed.sort((a, b) => (direction === 'asc' ? a.severity - b.severity : b.severity - a.severity))
  return keyed.map((each) => each.entry)
}
