/** A row of Cloud Discovery, from whatever source, as our `DiscoveryRecord`. Sources check rows with the same function before they
 *  take them, so what is refused here came past them. */
import { readDiscoveryRow } from '../discovery/row.ts'
import { discoveryRowId } from '../discovery/row-id.ts'
import { RelayError } from '../errors.ts'
import type { DiscoveryRecord } from '../events.ts'
import type { Origin } from './origin.ts'
import { timeOf } from './values.ts'

/**
 * @throws {RelayError} `RELAY_RECORD_INVALID` for what is no row, with the first columns that are wrong.
 */
export function normalizeDiscoveryRow(record: unknown, origin: Origin): DiscoveryRecord {
  const reading = readDiscoveryRow(record)
  if ('problems' in reading) throw new RelayError('RELAY_RECORD_INVALID', reading.problems.slice(0, 3).join('; '))
  const { row, recordId } = reading
  return {
    kind: 'discovery',
    tenant: origin.tenant,
    source: origin.source,
    id: discoveryRowId(row, recordId),
    timestampMs: timeOf(row.TimeGenerated),
    row,
  }
}
