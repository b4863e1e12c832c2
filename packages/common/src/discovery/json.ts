/** A Cloud Discovery row as one line of JSON in the shape of Microsoft's table: its 18 columns in their order, null where not known,
 *  then `RecordId`, by which a reader tells rows that were delivered twice. */
import type { DiscoveryRecord } from '../events.ts'
import { type JsonLine, jsonLine } from '../json-line.ts'
import { discoveryColumns, discoverySourceSystem, discoveryType } from './row.ts'

const fixed: ReadonlySet<string> = new Set(['RecordId', 'TimeGenerated', 'SourceSystem', 'Type'])

/**
 * @param bytesMax most bytes the line may take; of a longer one, the longest texts are shortened, ending in `...`.
 * @throws {RelayError} `RELAY_FRAME_TOO_LARGE` when it does not fit however short its texts are.
 */
export function discoveryJson({ id, row }: DiscoveryRecord, bytesMax: number): JsonLine {
  const known = { SourceSystem: discoverySourceSystem, Type: discoveryType, ...row }
  const columns = Object.fromEntries(discoveryColumns.map((column) => [column, known[column] ?? null]))
  return jsonLine({ ...columns, RecordId: id }, fixed, bytesMax)
}
