/** Names, columns and types on Azure's side are those of the rows that the relay sends. */
import { describe, expect, test } from 'vitest'
import { sentinelTables } from '../../packages/common/src/sentinel/schema.ts'
import { sentinelSchema } from '../../packages/common/src/sentinel/settings.ts'
import { deploy } from '../support/arm.ts'
import { microsoftTables } from '../support/microsoft-tables.ts'
import { minimal, only, read, template } from '../support/sentinel.ts'
import { ownTables } from '../support/sentinel-queries.ts'

describe('schema', () => {
  const { resources } = deploy(template, minimal)
  const rule = only(resources, 'Microsoft.Insights/dataCollectionRules').properties as unknown as {
    readonly streamDeclarations: Record<string, { columns: { name: string; type: string }[] }>
    readonly dataFlows: { streams: string[]; destinations: string[]; transformKql: string; outputStream: string }[]
    readonly destinations: { logAnalytics: { name: string; workspaceResourceId: string }[] }
  }
  const streams = sentinelSchema.shape.streams.parse({})

  test('every stream an agent sends to by default is declared, with the columns and types of its rows', () => {
    const declared = Object.fromEntries(
      Object.entries(rule.streamDeclarations).map(([name, { columns }]) => [
        name,
        columns.map((column) => `${column.name} ${column.type}`),
      ]),
    )
    const sent = ({ columns }: { columns: object }): string[] =>
      Object.entries(columns).map(([name, { type }]) => `${name} ${type}`)
    expect(declared).toEqual({
      [streams.alerts]: sent(sentinelTables.alert),
      [streams.activities]: sent(sentinelTables.activity),
      [streams.discovery]: sent(sentinelTables.discovery),
    })
  })

  test('each stream flows unchanged into its table', () => {
    expect(rule.dataFlows.map(({ streams: [stream], outputStream }) => [stream, outputStream])).toEqual([
      ['Custom-McasAlerts', 'Custom-McasAlerts_CL'],
      ['Custom-McasActivities', 'Microsoft-CommonSecurityLog'],
      ['Custom-McasDiscovery', 'Custom-McasShadowItReporting_CL'],
    ])
    const [destination] = rule.destinations.logAnalytics
    for (const { transformKql, destinations } of rule.dataFlows) {
      expect(transformKql).toBe('source')
      expect(destinations).toEqual([destination?.name])
    }
    expect(destination?.workspaceResourceId).toMatch(/\/workspaces\/soc$/)
  })

  test('the tables that are created have the same columns, and say what each is', () => {
    const created = resources.filter(({ type }) => type.endsWith('/tables'))
    expect(created.map(({ name }) => name)).toEqual(Object.keys(ownTables).map((name) => `soc/${name}`))
    for (const { name, properties } of created) {
      const { schema } = properties as unknown as {
        schema: { name: string; columns: { name: string; type: string; description: string }[] }
      }
      expect(`soc/${schema.name}`).toBe(name)
      expect(Object.fromEntries(schema.columns.map((column) => [column.name, column.type.toLowerCase()]))).toEqual(
        ownTables[schema.name],
      )
      for (const { description } of schema.columns) expect(description).toMatch(/\.$|…$/)
    }
  })

  test.each(Object.values(sentinelTables))(
    '$table keeps to the names and numbers that Azure allows',
    ({ table, columns, isOwn }) => {
      const names = Object.keys(columns)
      expect(names).toContain('TimeGenerated')
      expect(names.length).toBeLessThanOrEqual(500)
      for (const name of names) expect(name).toMatch(/^[A-Za-z][A-Za-z0-9_]{0,44}$/)
      // "Standard columns in Azure Monitor Logs" and columns that the service refuses.
      const reserved = ['_resourceid', 'id', '_subscriptionid', 'tenantid', 'type', 'uniqueid', 'title', 'sourcesystem']
      expect(names.filter((name) => reserved.includes(name.toLowerCase()))).toEqual([])
      expect(table.endsWith('_CL')).toBe(isOwn)
    },
  )

  test("activities use columns of CommonSecurityLog, with Microsoft's types", () => {
    const known = microsoftTables.CommonSecurityLog ?? {}
    for (const [name, { type }] of Object.entries(sentinelTables.activity.columns))
      expect([name, known[name]]).toEqual([name, type])
  })

  test("discovery rows have Microsoft's 18 columns but those that Azure fills in", () => {
    const filledIn = ['TenantId', 'SourceSystem', 'Type']
    const known = Object.keys(microsoftTables.McasShadowItReporting ?? {})
    expect(known).toHaveLength(18)
    expect(Object.keys(sentinelTables.discovery.columns)).toEqual(
      expect.arrayContaining(known.filter((name) => !filledIn.includes(name))),
    )
  })

  test('the files of the content hub declare the same streams and tables', () => {
    const folder = 'deploy/sentinel/solution/Data Connectors/SiemRelayPush_CCF'
    const [hubRule] = JSON.parse(read(`${folder}/SiemRelayPush_DCR.json`)) as [{ properties: typeof rule }]
    expect(hubRule.properties.streamDeclarations).toEqual(rule.streamDeclarations)
    expect(hubRule.properties.dataFlows).toEqual(rule.dataFlows)
    for (const { name, properties } of resources.filter(({ type }) => type.endsWith('/tables'))) {
      const [table] = JSON.parse(read(`${folder}/table_${name.replace('soc/', '')}.json`)) as [
        { properties: { schema: unknown } },
      ]
      expect(table.properties.schema).toEqual(properties.schema)
    }
  })
})
