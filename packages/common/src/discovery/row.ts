/** A row of Cloud Discovery in the shape of Microsoft's table McasShadowItReporting: its columns, and how one is read from what
 *  somebody else wrote. Source: "Azure Sentinel integration", table of the McasShadowItReporting schema. */
import { fieldsOf, jsonOf, listOf, textOf, timeOf } from '../normalize/values.ts'

/** `count` is a whole number from 0 on, `score` one from 0 to 10. */
type ColumnType = 'text' | 'time' | 'count' | 'score' | 'tags'

/** In the order of the table. */
const columnTypes = {
  TenantId: 'text',
  SourceSystem: 'text',
  TimeGenerated: 'time',
  StreamName: 'text',
  TotalEvents: 'count',
  BlockedEvents: 'count',
  UploadedBytes: 'count',
  TotalBytes: 'count',
  DownloadedBytes: 'count',
  IpAddress: 'text',
  UserName: 'text',
  EnrichedUserName: 'text',
  AppName: 'text',
  AppId: 'count',
  AppCategory: 'text',
  AppTags: 'tags',
  AppScore: 'score',
  Type: 'text',
} as const satisfies Record<string, ColumnType>

export type DiscoveryColumn = keyof typeof columnTypes

interface Values {
  readonly text: string
  /** RFC 3339 in UTC with milliseconds. */
  readonly time: string
  readonly count: number
  readonly score: number
  readonly tags: readonly string[]
}

/** Columns that are not known are absent. */
export type DiscoveryRow = { readonly [C in DiscoveryColumn]?: Values[(typeof columnTypes)[C]] }

/** The 18 columns in the order of Microsoft's table. */
export const discoveryColumns = Object.keys(columnTypes) as readonly DiscoveryColumn[]

/** The static values of two columns. */
export const discoverySourceSystem = 'Azure'
export const discoveryType = 'McasShadowItReporting'

export type DiscoveryReading =
  | {
      readonly row: DiscoveryRow
      /** The id its maker gave it, for rows that would otherwise be known by their content. */
      readonly recordId: string | undefined
    }
  /** Each names its column and what is expected there. */
  | { readonly problems: readonly string[] }

/**
 * Reads a row: column names in any case, numbers also as text with or without grouping (`1,514,874`), tags also as JSON text or
 * separated by commas, times also as exports of the portal write them. Columns of other names are left alone; null and '' are absent.
 * A row needs a time and an app. Never throws.
 */
export function readDiscoveryRow(value: unknown): DiscoveryReading {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { problems: ['the row is not an object of columns'] }
  const row: Partial<Record<DiscoveryColumn, unknown>> = {}
  const problems: string[] = []
  let recordId: string | undefined
  for (const [name, cell] of Object.entries(fieldsOf(value))) {
    const word = columnWord(name)
    if (isAbsent(cell)) continue
    if (word === 'recordid') {
      recordId = textOf(cell)
      if (!recordIdForm.test(recordId)) problems.push('RecordId: expected 1 to 128 visible ASCII characters')
      continue
    }
    const column = columnByWord.get(word)
    if (column === undefined) continue
    const { read, expected } = readers[columnTypes[column]]
    const found = read(cell)
    if (found === undefined) problems.push(`${column}: expected ${expected}, not ${shown(cell)}`)
    else row[column] = found
  }
  if (problems.length === 0 && row.TimeGenerated === undefined) problems.push('TimeGenerated: the row has no time')
  if (problems.length === 0 && row.AppName === undefined && row.AppId === undefined)
    problems.push('AppName: the row names no app; AppName or AppId is needed')
  if (problems.length > 0) return { problems }
  return { row: inOrder(row), recordId }
}

const recordIdForm = /^[\x21-\x7e]{1,128}$/

/** `TimeGenerated [UTC]`, as exports of the portal head it, is TimeGenerated. */
function columnWord(name: string): string {
  return name
    .replace(/\s*\[UTC\]\s*$/i, '')
    .trim()
    .toLowerCase()
}

const columnByWord: ReadonlyMap<string, DiscoveryColumn> = new Map(
  discoveryColumns.map((column) => [column.toLowerCase(), column]),
)

/** The column a header means; undefined for those of other names. */
export function discoveryColumnOf(header: string): DiscoveryColumn | undefined {
  return columnByWord.get(columnWord(header))
}

function inOrder(row: Partial<Record<DiscoveryColumn, unknown>>): DiscoveryRow {
  return Object.fromEntries(
    discoveryColumns.flatMap((column) => (row[column] === undefined ? [] : [[column, row[column]]])),
  )
}

function isAbsent(cell: unknown): boolean {
  return cell === undefined || cell === null || cell === ''
}

/** At most 40 characters of it, as JSON, so that nothing in it can pass for our own words. */
function shown(cell: unknown): string {
  const text = JSON.stringify(cell) ?? typeof cell
  return text.length <= 40 ? text : `${text.slice(0, 40)}…`
}

interface Reader<V> {
  /** undefined for what is no such value. */
  readonly read: (cell: unknown) => V | undefined
  readonly expected: string
}

const readers: { readonly [T in ColumnType]: Reader<Values[T]> } = {
  text: { read: (cell) => textOf(cell) || undefined, expected: 'text' },
  time: { read: timeTextOf, expected: 'a time like 2019-07-23T11:00:35.858Z' },
  count: { read: countOf, expected: 'a whole number from 0 on' },
  score: {
    read: (cell) => {
      const score = countOf(cell)
      return score !== undefined && score <= 10 ? score : undefined
    },
    expected: 'a whole number from 0 to 10',
  },
  tags: { read: tagsOf, expected: 'a list of texts like ["sanctioned"]' },
}

function countOf(cell: unknown): number | undefined {
  const number = typeof cell === 'string' && plainCount.test(cell.trim()) ? Number(cell.replace(/[,\s]/g, '')) : cell
  return typeof number === 'number' && Number.isSafeInteger(number) && number >= 0 ? number : undefined
}

/** Digits, in groups of three or not, with zeros at most behind a decimal point. */
const plainCount = /^(\d{1,3}(,\d{3})+|\d{1,16})(\.0+)?$/

function tagsOf(cell: unknown): readonly string[] | undefined {
  const value = jsonOf(cell)
  const tags = typeof value === 'string' ? value.split(/[;,]/).map((tag) => tag.trim()) : listOf(value)
  if (!Array.isArray(value) && typeof value !== 'string') return undefined
  if (!tags.every((tag) => typeof tag === 'string')) return undefined
  return tags.filter((tag) => tag !== '')
}

/** `2019-07-23 11:00:35`, and the portal's export form `7/23/2019, 11:00:35.858 AM`; both are UTC. */
const spaced = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d{1,7})?)Z?$/
const exported = /^(\d{1,2})\/(\d{1,2})\/(\d{4}),? (\d{1,2}):(\d\d):(\d\d)(\.\d{1,7})? ?([AP]M)$/i

function timeTextOf(cell: unknown): string | undefined {
  const ms = timeOf(typeof cell === 'string' ? isoOf(cell.trim()) : cell)
  return ms === undefined ? undefined : new Date(ms).toISOString()
}

function isoOf(text: string): string {
  const [, date, time] = spaced.exec(text) ?? []
  if (date !== undefined) return `${date}T${time}Z`
  const [, month = '', day = '', year, hour = '', minute, second, fraction = '', half = ''] = exported.exec(text) ?? []
  if (year !== undefined) {
    const hours = (Number(hour) % 12) + (half.toUpperCase() === 'PM' ? 12 : 0)
    const two = (part: string | number): string => String(part).padStart(2, '0')
    return `${year}-${two(month)}-${two(day)}T${two(hours)}:${minute}:${second}${fraction}Z`
  }
  // Without an offset ISO 8601 means local time; the column is UTC.
  return /^\d{4}-\d\d-\d\dT[\d:.]+$/.test(text) ? `${text}Z` : text
}
