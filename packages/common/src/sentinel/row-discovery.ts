/** A Cloud Discovery row as a row of McasShadowItReporting_CL: the columns of Microsoft's table but the three that Azure fills in. */
import type { DiscoveryRecord } from '../events.ts'
import { type RowContext, timeColumn } from './columns.ts'
import type { SentinelRow } from './schema.ts'

export function discoveryTableRow(record: DiscoveryRecord, context: RowContext): SentinelRow<'discovery'> {
  const { TenantId, SourceSystem, Type, TimeGenerated, ...columns } = record.row
  const happened = timeColumn(record.timestampMs ?? context.receivedMs)
  return {
    TimeGenerated: happened,
    EventTime: happened,
    RecordId: record.id,
    SourceTenant: record.tenant,
    SourceName: record.source,
    ...columns,
  }
}
