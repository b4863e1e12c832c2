/** Discovery rows for tests of the read models, and what they sum up to by the plainest way of counting. */
import { dayMs } from '../discovery-row.ts'
import type { Batch, ReadRecord } from '../model.ts'

/** A Tuesday at noon. */
export const todayMs = Date.UTC(2026, 5, 16, 12)
export const today = Math.floor(todayMs / dayMs)

export interface TestRow {
  readonly id: string
  readonly tenant: string
  readonly day: number
  readonly stream: string
  readonly app: number
  readonly user?: string | undefined
  readonly ip?: string | undefined
  readonly uploaded: number
  readonly downloaded: number
  readonly events: number
}

export const tagsOf = (app: number): readonly string[] => [[], ['sanctioned'], ['Unsanctioned', 'risky']][app % 3] ?? []
export const categoryOf = (app: number): string => `Category ${app % 2}`

export function recordOf(row: TestRow, offset: number): ReadRecord {
  const { id, day, stream, app, user, ip, uploaded, downloaded, events } = row
  const value = {
    TimeGenerated: new Date(day * dayMs + 3_600_000).toISOString(),
    StreamName: stream,
    UserName: user,
    IpAddress: ip,
    AppName: `App ${app}`,
    AppId: app,
    AppCategory: categoryOf(app),
    AppTags: tagsOf(app),
    AppScore: app % 11,
    UploadedBytes: uploaded,
    DownloadedBytes: downloaded,
    TotalEvents: events,
    RecordId: id,
  }
  return { key: id, headers: {}, offset, appendedMs: todayMs, value: Buffer.from(JSON.stringify(value)) }
}

/** One batch of a tenant's partition. */
export function batchOf(rows: readonly TestRow[], from: number, partition = 0): Batch {
  const records = rows.map((row, index) => recordOf(row, from + index))
  return {
    topic: `raw.${rows[0]?.tenant ?? 'contoso'}.discovery`,
    partition,
    from,
    next: from + records.length,
    records,
  }
}

/** Ids count once. */
export function distinct(rows: readonly TestRow[]): readonly TestRow[] {
  return [...new Map(rows.toReversed().map((row) => [`${row.tenant}/${row.id}`, row])).values()]
}

export function sum(rows: readonly TestRow[], of: (row: TestRow) => number): number {
  return rows.reduce((total, row) => total + of(row), 0)
}

export function count(rows: readonly TestRow[], of: (row: TestRow) => string | undefined): number {
  return new Set(rows.map(of).filter((one) => one !== undefined)).size
}
