/** Microsoft's parser of KQL on Sentinel's tables, the relay's own, and the functions that are deployed beside them. */
import { sentinelTables } from '../../packages/common/src/sentinel/schema.ts'
import { kustoWith } from './kusto.ts'
import { microsoftTables } from './microsoft-tables.ts'
import { content } from './sentinel.ts'

/** By name and type, as Kusto names types. */
export const ownTables = Object.fromEntries(
  Object.values(sentinelTables)
    .filter(({ isOwn }) => isOwn)
    .map(({ table, columns }) => [
      table,
      Object.fromEntries(Object.entries(columns).map(([name, { type }]) => [name, type as string])),
    ]),
)

const functions = Object.fromEntries(content.functions.map(({ name, query }) => [name, query]))
export const kusto = kustoWith({ ...microsoftTables, ...ownTables }, functions)

/** A tile's query with values in the place of the workbook's parameters. */
export function filled(query: string): string {
  return query
    .replaceAll('{TimeRange:grain}', '1h')
    .replaceAll(/\{TimeRange:(start|end)\}/g, 'datetime(2026-11-01)')
    .replaceAll(/\{(DataStream|Score)\}/g, "'a','b'")
    .replaceAll(/\{(Tags|DataStream:label|Score:label|AppId|AppCategoryFilter|UserNameFilter)\}/g, 'All')
}
