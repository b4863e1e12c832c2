/** What a Cloud Discovery row is known by. Microsoft gives rows no id: two rows that say the same are one. */
import { createHash } from 'node:crypto'
import { type DiscoveryRow, discoveryColumns } from './row.ts'

/** Columns that say who stored the row, not what was seen. */
const outside: ReadonlySet<string> = new Set(['TenantId', 'SourceSystem', 'Type'])

/**
 * @param recordId the id its maker gave it; it counts, whatever the row says.
 * @returns that id, or 32 hexadecimal digits of the row's content: the same content gives the same id, in any order and form of columns.
 */
export function discoveryRowId(row: DiscoveryRow, recordId: string | undefined): string {
  if (recordId !== undefined) return recordId
  const content = discoveryColumns.map((column) => (outside.has(column) ? null : (row[column] ?? null)))
  return createHash('sha256').update(JSON.stringify(content)).digest('hex').slice(0, 32)
}
