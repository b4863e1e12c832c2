/** An engine of KQL beside the tests: duckdb-kql in Python, which scripts/kql.sh installs. It has no ingestion_time(), which becomes a column
 *  here, and no hash(), which a rule that is not split does not need. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { sentinelTables } from '../../packages/common/src/sentinel/schema.ts'
import { type AnalyticsRule, readContent } from '../../scripts/sentinel/content.ts'
import { microsoftTables } from '../support/microsoft-tables.ts'

type Row = Readonly<Record<string, unknown>>
export type Rows = Readonly<Record<string, readonly Row[]>>

const run = promisify(execFile)
const python = join(import.meta.dirname, '../../.venv-kql/bin/python')
const ingestedAt = 'IngestedByTheEngine'

const columns: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  ...microsoftTables,
  ...Object.fromEntries(
    Object.values(sentinelTables)
      .filter(({ isOwn }) => isOwn)
      .map((of) => [of.table, Object.fromEntries(Object.entries(of.columns).map(([name, { type }]) => [name, type]))]),
  ),
}

/** Rows of tables; `ingested` of a row is when Azure stored it. */
export async function ask(query: string, rows: Rows): Promise<readonly Row[]> {
  const tables = Object.fromEntries(
    Object.entries(columns).map(([table, of]) => [
      table,
      {
        columns: { ...of, [ingestedAt]: 'datetime' },
        rows: (rows[table] ?? []).map(({ ingested, ...row }) => ({
          ...row,
          [ingestedAt]: ingested ?? row.TimeGenerated,
        })),
      },
    ]),
  )
  const functions = Object.fromEntries(readContent().functions.map(({ name, query: body }) => [name, forEngine(body)]))
  const running = run(python, [join(import.meta.dirname, 'engine.py')], { timeout: 60_000 })
  running.child.stdin?.end(JSON.stringify({ tables, functions, query: forEngine(query) }))
  return JSON.parse((await running).stdout) as readonly Row[]
}

/** The query of a rule, for one shard of one. */
export function unsplit({ query }: AnalyticsRule): string {
  return query.replace('hash(SystemAlertId, {shards}) == {shard}', 'true')
}

function forEngine(query: string): string {
  return query.replaceAll(/^\s*\/\/.*$/gm, '').replaceAll('ingestion_time()', ingestedAt)
}
