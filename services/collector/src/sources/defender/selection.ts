/** Which records of a page are new, and what they look like in the log. Pure. */
import { createHash } from 'node:crypto'
import type { Headers, NewRecord } from '@siem-relay/bus'
import { type Page, rawHeaders, rawTopic } from '@siem-relay/common'
import { type StreamKind, timeOf } from './paging.ts'

export interface SelectionParts {
  readonly kind: StreamKind
  readonly sourceId: string
  readonly tenant: string
  /** Where links in messages lead. */
  readonly portalUrl: string
  /** Take an alert again when it has changed. */
  readonly isVersioned: boolean
}

export interface Selection {
  readonly records: readonly NewRecord[]
  /** What the records are remembered by: the id, and the version when those count. */
  readonly ids: readonly string[]
  /** The latest time among the new records; -Infinity when none has one. */
  readonly latestMs: number
  /** New records older than `lateBeforeMs`. */
  readonly late: number
  /** The latest time among all records of the page; -Infinity when none has one. */
  readonly readMs: number
}

/** @param seen whether something is remembered by this already. */
export function select(
  page: Page,
  { kind, sourceId, tenant, portalUrl, isVersioned }: SelectionParts,
  seen: (id: string) => boolean,
  nowMs: number,
  lateBeforeMs: number,
): Selection {
  const topic = rawTopic(tenant, kind).name
  // One object for the whole page: the log stores it once.
  const shared: Headers = {
    [rawHeaders.source]: sourceId,
    [rawHeaders.tenant]: tenant,
    [rawHeaders.kind]: kind,
    [rawHeaders.receivedMs]: String(nowMs),
    [rawHeaders.portalUrl]: portalUrl,
  }
  const records: NewRecord[] = []
  const ids = new Set<string>()
  let latestMs = Number.NEGATIVE_INFINITY
  let readMs = Number.NEGATIVE_INFINITY
  let late = 0
  for (const record of page.records) {
    const ms = timeOf(kind, record)
    if (ms !== undefined && ms > readMs) readMs = ms
    const version = isVersioned && kind === 'alerts' ? versionOf(record.bytes) : undefined
    const id = version === undefined ? record.id : `${record.id} ${version}`
    if (seen(id) || ids.has(id)) continue
    ids.add(id)
    const headers = version === undefined ? shared : { ...shared, [rawHeaders.version]: version }
    records.push({ topic, key: record.id, value: record.bytes, headers })
    if (ms !== undefined && ms > latestMs) latestMs = ms
    if (ms !== undefined && ms < lateBeforeMs) late++
  }
  return { records, ids: [...ids], latestMs, late, readMs }
}

/** What of an alert changes when somebody works on it or it is triggered again. */
const mutableFields = ['timestamp', 'severityValue', 'statusValue', 'resolutionStatusValue', 'resolveTime'] as const

/** A short name for this state of the alert: two equal ones are the same version. */
function versionOf(bytes: Buffer): string {
  const alert = JSON.parse(bytes.toString()) as Readonly<Record<string, unknown>>
  const state = JSON.stringify(mutableFields.map((field) => alert[field] ?? null))
  return createHash('sha256').update(state).digest('hex').slice(0, 16)
}
