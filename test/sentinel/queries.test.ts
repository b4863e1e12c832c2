/** Every query means something on the tables there are, and is within Azure's limits. */
import { globSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { sentinelTables } from '../../packages/common/src/sentinel/schema.ts'
import { deploy } from '../support/arm.ts'
import { microsoftTables } from '../support/microsoft-tables.ts'
import { content, everything, read, root, template, yaml } from '../support/sentinel.ts'
import { filled, kusto } from '../support/sentinel-queries.ts'

describe('queries', () => {
  const deployed = deploy(template, everything).resources
  const connector = JSON.parse(
    read('deploy/sentinel/solution/Data Connectors/SiemRelayPush_CCF/SiemRelayPush_ConnectorDefinition.json'),
  ) as {
    properties: {
      connectorUiConfig: {
        graphQueries: { baseQuery: string }[]
        sampleQueries: { query: string }[]
        dataTypes: { name: string; lastDataReceivedQuery: string }[]
        connectivityCriteria: { value: string[] }[]
      }
    }
  }
  const page = connector.properties.connectorUiConfig
  const powerBi = content.dashboard.map(({ name }) => {
    const quoted = /#"query" = "((?:[^"]|"")*)"/.exec(read(`deploy/sentinel/powerbi/${name}.pq`))
    return [`powerbi/${name}.pq`, (quoted?.[1] ?? '').replaceAll('""', '"')] as const
  })
  const all: readonly (readonly [string, string])[] = [
    ...content.functions.map(({ name, query }) => [name, query] as const),
    ...deployed
      .filter(({ properties }) => properties.query !== undefined)
      .map(({ properties }) => [String(properties.displayName), String(properties.query)] as const),
    ...content.workbook.parameters.map(({ name, query }) => [`parameter ${name}`, filled(query)] as const),
    ...content.workbook.tiles.map(({ title, query }) => [`tile ${title}`, filled(query)] as const),
    ...powerBi,
    ...globSync('deploy/sentinel/solution/{Analytic Rules,Hunting Queries}/*.yaml', { cwd: root }).map(
      (path) => [path, yaml<{ query: string }>(path).query] as const,
    ),
    ...page.graphQueries.map(({ baseQuery }) => ['connector page', baseQuery] as const),
    ...page.sampleQueries.map(({ query }) => ['connector page', query] as const),
    ...page.dataTypes.map(({ lastDataReceivedQuery }) => ['connector page', lastDataReceivedQuery] as const),
    ...page.connectivityCriteria.flatMap(({ value }) => value.map((query) => ['connector page', query] as const)),
  ]

  test('Microsoft’s parser is told from a checker that lets everything pass', () => {
    expect(kusto.problemsOf('McasDiscovery | where AppScores < 3')).toEqual([
      expect.stringMatching(/^line 1, at "AppScores < 3": The name 'AppScores' does not refer to any known column/),
    ])
    expect(kusto.problemsOf('McasAlerts_CL\n| sumarize count()')).not.toEqual([])
    expect(kusto.problemsOf('NoSuchTable_CL | count')).not.toEqual([])
  })

  test.each(all)('%s: every name means something', (_, query) => {
    expect(query.trim()).not.toBe('')
    expect(query).not.toMatch(/\{[A-Za-z]\w*(:\w+)?\}/)
    expect(kusto.problemsOf(query)).toEqual([])
  })

  test.each(all)('%s: within the 10,000 characters of a rule', (_, query) =>
    expect(query.length).toBeLessThanOrEqual(10_000),
  )

  test('McasDiscovery has the columns of McasShadowItReporting, one each, whatever integers Microsoft uses', () => {
    const columns = kusto.columnsOf('McasDiscovery')
    // The workspace's id is the same in every row.
    const known = Object.keys(microsoftTables.McasShadowItReporting ?? {}).filter((name) => name !== 'TenantId')
    expect(columns).toEqual(expect.arrayContaining(known))
    expect(new Set(columns).size).toBe(columns.length)
    expect(columns.filter((name) => /_(int|long|string|dynamic)$/.test(name))).toEqual([])
  })

  test('McasAlerts has the columns of SecurityAlert that the relay fills, one each', () => {
    const own = Object.keys(sentinelTables.alert.columns).filter(
      (name) => microsoftTables.SecurityAlert?.[name] !== undefined,
    )
    expect(own.length).toBeGreaterThan(10)
    expect(kusto.columnsOf('McasAlerts')).toEqual(expect.arrayContaining(own))
    expect(kusto.columnsOf('McasAlerts').filter((name) => /_(int|long|string|dynamic)$/.test(name))).toEqual([])
  })
})
