/** A canary: one row that says it is a test, and the query that finds it. Its id begins with `canary:`, by which functions, rules and
 *  workbook of deploy/sentinel leave it out. */
import { type EventKind, type SentinelRow, type SentinelTable, sentinelTables } from '@siem-relay/common'

const title = 'Test row of siem-relay doctor'
const source = 'siem-relay doctor'

export interface Canary {
  readonly row: object
  readonly id: string
  /** KQL. */
  readonly query: string
}

/** @param nonce makes the id one of its own. */
export function canaryOf(kind: EventKind, nonce: string, nowMs: number): Canary {
  const id = `canary:${nonce}`
  const { table, idColumn }: SentinelTable = sentinelTables[kind]
  return {
    row: rows[kind](id, new Date(nowMs).toISOString()),
    id,
    query: `${table} | where TimeGenerated > ago(1h) and ${idColumn} == "${id}"`,
  }
}

const rows: { readonly [K in EventKind]: (id: string, time: string) => SentinelRow<K> } = {
  alert: (id, time) => ({
    TimeGenerated: time,
    EventTime: time,
    RecordId: id,
    SourceName: source,
    DisplayName: title,
    AlertName: title,
    AlertSeverity: 'Informational',
    Description: 'Nothing happened.',
    SystemAlertId: id,
    StartTime: time,
    EndTime: time,
    Status: 'New',
  }),
  activity: (id, time) => ({
    TimeGenerated: time,
    DeviceVendor: 'MCAS',
    DeviceProduct: 'SIEM_Agent',
    DeviceEventClassID: 'CANARY',
    Activity: title,
    LogSeverity: '0',
    ExtID: id,
    StartTime: time,
    EndTime: time,
    Message: 'Nothing happened.',
  }),
  discovery: (id, time) => ({
    TimeGenerated: time,
    EventTime: time,
    RecordId: id,
    SourceName: source,
    StreamName: source,
    TotalEvents: 0,
    AppName: title,
  }),
}
