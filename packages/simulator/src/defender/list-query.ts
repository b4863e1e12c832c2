/** Reads what a list request asks for, from query parameters, a JSON body or a form, and refuses what is not valid.
 *  Pure; the answer is made in `listing.ts`. */

import type { RecordKind } from '../data/records.ts'
import { type FilterObject, type FilterProblem, notValid } from './filters.ts'

type SortField = 'date' | 'created' | 'severity'

export interface ListQuery {
  readonly filters: FilterObject
  readonly skip: number
  readonly limit: number
  readonly sortField: SortField
  readonly sortDirection: 'asc' | 'desc'
  /** Activities only: pages linked by `nextQueryFilters`. */
  readonly isScan: boolean
}

export interface ListLimits {
  readonly pageLimitMax: number
  readonly scanLimitMax: number
}

const pageLimitDefault = 100
const scanLimitDefault = 500

const sortFields: Readonly<Record<RecordKind, readonly string[]>> = {
  alerts: ['date', 'severity'],
  activities: ['date', 'created'],
}

export type Parameters = Readonly<Record<string, unknown>>

/** @returns the query, or everything that is wrong with it. */
export function readListQuery(kind: RecordKind, given: Parameters, limits: ListLimits): ListQuery | FilterProblem[] {
  const problems: FilterProblem[] = []
  const isScan = kind === 'activities' && (given.isScan === true || given.isScan === 'true')
  const limitMax = isScan ? limits.scanLimitMax : limits.pageLimitMax
  const limitDefault = isScan ? scanLimitDefault : pageLimitDefault

  const filters = readFilters(given.filters)
  if (filters === undefined) problems.push(notValid(given.filters))
  const skip = readCount(given.skip, 0, 0)
  if (skip === undefined) problems.push(notValid(given.skip))
  const limit = readCount(given.limit, limitDefault, 1)
  if (limit === undefined) problems.push(notValid(given.limit))
  const sortField = given.sortField ?? 'date'
  if (!sortFields[kind].includes(String(sortField))) problems.push(notValid(sortField))
  const sortDirection = given.sortDirection ?? 'desc'
  if (sortDirection !== 'asc' && sortDirection !== 'desc') problems.push(notValid(sortDirection))

  if (problems.length > 0 || filters === undefined || skip === undefined || limit === undefined) return problems
  return {
    filters,
    skip,
    // The service gives fewer rather than refusing; `max` in its reply tells.
    limit: Math.min(limit, limitMax),
    sortField: sortField as SortField,
    sortDirection: sortDirection as 'asc' | 'desc',
    isScan,
  }
}

/** An object in a JSON body, JSON text in a query parameter or a form. */
function readFilters(value: unknown): FilterObject | undefined {
  if (value === undefined || value === null || value === '') return {}
  const filters = typeof value === 'string' ? parseJson(value) : value
  const isObject = typeof filters === 'object' && filters !== null && !Array.isArray(filters)
  return isObject ? (filters as FilterObject) : undefined
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

function readCount(value: unknown, absent: number, least: number): number | undefined {
  if (value === undefined || value === null) return absent
  const count = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  return typeof count === 'number' && Number.isInteger(count) && count >= least ? count : undefined
}
