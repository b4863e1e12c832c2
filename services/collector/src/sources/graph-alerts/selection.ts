/** Which alerts of a page are new, and what they look like in the log. Pure. */
import { createHash } from 'node:crypto'
import type { Headers, NewRecord } from '@siem-relay/bus'
import { type ODataPage, type RecordShape, rawHeaders, rawTopic } from '@siem-relay/common'
import { tenantOf } from '../settings.ts'
import type { GraphAlertsSourceConfig } from './config.ts'
import { normalTime } from './time.ts'

export interface Selection {
  readonly records: readonly NewRecord[]
  /** What the records are remembered by: the id, and the version when those count. */
  readonly ids: readonly string[]
  /** The latest lastUpdateDateTime of the page, seen before or not. */
  readonly latest: string | undefined
  /** New records with a lastUpdateDateTime before `lateBefore`. */
  readonly late: number
}

const shape: RecordShape = 'graph-alert'

/** @param seen whether something is remembered by this already. @param lateBefore what is earlier shows up late. */
export function select(
  page: ODataPage,
  config: GraphAlertsSourceConfig,
  seen: (id: string) => boolean,
  nowMs: number,
  lateBefore = '',
): Selection {
  const tenant = tenantOf(config)
  const topic = rawTopic(tenant, 'alerts').name
  // One object for the whole page: the log stores it once.
  const shared: Headers = {
    [rawHeaders.source]: config.id,
    [rawHeaders.tenant]: tenant,
    [rawHeaders.kind]: 'alerts',
    [rawHeaders.shape]: shape,
    [rawHeaders.receivedMs]: String(nowMs),
    [rawHeaders.portalUrl]: config.portalUrl.replace(/\/+$/, ''),
  }
  const timed = page.records.map((record) => ({ record, time: normalTime(record.fields.lastUpdateDateTime) }))
  // Graph lists the latest first; in the log they stand as they happened.
  timed.sort(({ time: a = '' }, { time: b = '' }) => (a < b ? -1 : a > b ? 1 : 0))
  const records: NewRecord[] = []
  const ids = new Set<string>()
  let late = 0
  for (const { record, time } of timed) {
    const version = config.alertUpdates === 'all' ? (time ?? hashOf(record.bytes)) : undefined
    const id = version === undefined ? record.id : `${record.id} ${version}`
    if (seen(id) || ids.has(id)) continue
    ids.add(id)
    const headers = version === undefined ? shared : { ...shared, [rawHeaders.version]: version }
    records.push({ topic, key: record.id, value: record.bytes, headers })
    if (time !== undefined && time < lateBefore) late += 1
  }
  return { records, ids: [...ids], latest: timed.at(-1)?.time, late }
}

function hashOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 16)
}
