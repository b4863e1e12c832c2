/** What is deployed on Azure's side cannot drift from what the relay sends: files are as the code makes them, names, columns and types are
 *  the schema's, every query means something on those tables, and Azure's limits hold. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { sentinelTables } from '../packages/common/src/sentinel/schema.ts'
import { sentinelSchema } from '../packages/common/src/sentinel/settings.ts'
import { parseYaml } from '../packages/service-kit/src/config/yaml-source.ts'
import { readContent, wholeQuery } from '../scripts/sentinel/content.ts'
import { resultColumns } from '../scripts/sentinel/rules.ts'
import { sentinelTemplates } from '../scripts/sentinel-templates.ts'
import { deploy, type Resource, type Template } from './support/arm.ts'
import { kustoWith } from './support/kusto.ts'
import { microsoftTables } from './support/microsoft-tables.ts'

const root = join(import.meta.dirname, '..')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const content = readContent()
const template = JSON.parse(read('deploy/sentinel/azuredeploy.json')) as Template

const minimal = { workspaceName: 'soc' }
const everything = {
  workspaceName: 'soc',
  createWorkspace: true,
  principalId: '99999999-8888-7777-6666-555555555555',
  dataCollectionEndpointName: 'soc-endpoint',
  alertRuleShards: 4,
  discoveryTablePlan: 'Basic',
  actionGroupId: '/subscriptions/sub/resourceGroups/group/providers/Microsoft.Insights/actionGroups/soc',
}

describe('files made from the code', () => {
  const files = sentinelTemplates()

  test.each([...files])('%s is what `npm run docs` writes', (path, text) => expect(read(path)).toBe(text))

  test('there are no others beside them', () => {
    const made = globSync(['deploy/sentinel/**/*.{json,pq}', 'deploy/sentinel/solution/**/*.yaml'], { cwd: root }).map(
      (path) => path.replaceAll('\\', '/'),
    )
    expect(made.length).toBeGreaterThan(20)
    expect(made.filter((path) => !files.has(path))).toEqual([])
  })
})

/** By name and type, as Kusto names types. */
const ownTables = Object.fromEntries(
  Object.values(sentinelTables)
    .filter(({ isOwn }) => isOwn)
    .map(({ table, columns }) => [
      table,
      Object.fromEntries(Object.entries(columns).map(([name, { type }]) => [name, type as string])),
    ]),
)

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

const functions = Object.fromEntries(content.functions.map(({ name, query }) => [name, query]))
const kusto = kustoWith({ ...microsoftTables, ...ownTables }, functions)

/** A tile's query with values in the place of the workbook's parameters. */
function filled(query: string): string {
  return query
    .replaceAll('{TimeRange:grain}', '1h')
    .replaceAll(/\{TimeRange:(start|end)\}/g, 'datetime(2026-11-01)')
    .replaceAll(/\{(DataStream|Score)\}/g, "'a','b'")
    .replaceAll(/\{(Tags|DataStream:label|Score:label|AppId|AppCategoryFilter|UserNameFilter)\}/g, 'All')
}

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

describe('analytics rules', () => {
  test('return every column that entities, details and titles are made of', () => {
    const named = resultColumns()
    expect(named).toEqual(expect.arrayContaining(['AccountName', 'SystemAlertId', 'AlertName', 'AlertSeverity']))
    for (const rule of content.rules)
      expect(kusto.columnsOf(wholeQuery(rule))).toEqual(expect.arrayContaining([...named]))
  })

  test('raise at most what one run may: 149 single alerts before the 150th becomes a summary', () => {
    for (const { query } of content.rules) expect(Number(/\| top (\d+) by/.exec(query)?.[1])).toBeLessThan(150)
  })

  test('look back less than two days when they run more often than hourly, and never more than 14', () => {
    const hours = (duration: string): number =>
      Number.parseInt(duration, 10) * { m: 1 / 60, h: 1, d: 24 }[duration.at(-1) as 'm' | 'h' | 'd']
    for (const { frequency, period } of content.rules) {
      expect(hours(period)).toBeLessThanOrEqual(14 * 24)
      if (hours(frequency) < 1) expect(hours(period)).toBeLessThan(48)
    }
  })

  test('shards share out alerts by their id: each number once, of as many as there are', () => {
    const shards = deploy(template, everything).resources.flatMap(({ properties }) => {
      const match = /hash\(SystemAlertId, (\d+)\) == (\d+)/.exec(String(properties.query))
      return match === null ? [] : [`${match[2]} of ${match[1]}: ${String(properties.displayName)}`]
    })
    expect(shards).toEqual([
      ...[0, 1, 2, 3].map(
        (shard) => `${shard} of 4: Alerts of Defender for Cloud Apps from siem-relay (${shard + 1} of 4)`,
      ),
      '0 of 1: Late and replayed alerts of Defender for Cloud Apps from siem-relay',
    ])
  })
})

describe('template', () => {
  /** Versions that Microsoft's template reference lists. */
  const versions: Readonly<Record<string, string>> = {
    'Microsoft.OperationalInsights/workspaces': '2022-10-01',
    'Microsoft.OperationalInsights/workspaces/tables': '2022-10-01',
    'Microsoft.OperationalInsights/workspaces/savedSearches': '2020-08-01',
    'Microsoft.SecurityInsights/onboardingStates': '2024-03-01',
    'Microsoft.SecurityInsights/alertRules': '2024-03-01',
    'Microsoft.Insights/dataCollectionEndpoints': '2022-06-01',
    'Microsoft.Insights/dataCollectionRules': '2023-03-11',
    'Microsoft.Insights/diagnosticSettings': '2021-05-01-preview',
    'Microsoft.Insights/metricAlerts': '2018-03-01',
    'Microsoft.Insights/workbooks': '2022-04-01',
    'Microsoft.Authorization/roleAssignments': '2022-04-01',
  }

  test.each([
    ['what has to be given', minimal],
    ['every option', everything],
  ])('with %s: names are unique, dependencies are there, types and versions are known', (_, given) => {
    const { resources } = deploy(template, given)
    expect(resources.length).toBeGreaterThan(15)
    const ids = resources.map(({ id }) => id)
    expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([])
    for (const { type, apiVersion, dependsOn, id } of resources) {
      expect([type, apiVersion]).toEqual([type, versions[type]])
      expect(dependsOn.filter((each) => !ids.includes(each) || each === id)).toEqual([])
    }
  })

  test('no parameter and no variable is idle', () => {
    const { usedParameters, usedVariables } = deploy(template, everything)
    expect([...usedParameters].toSorted()).toEqual(Object.keys(template.parameters).toSorted())
    expect([...usedVariables].toSorted()).toEqual(Object.keys(template.variables).toSorted())
  })

  test('by default nothing is created that was not asked for: no workspace, no endpoint, no role', () => {
    const left = deploy(template, minimal).resources.filter(({ isDeployed }) => !isDeployed)
    expect(left.map(({ type }) => type)).toEqual([
      'Microsoft.OperationalInsights/workspaces',
      'Microsoft.SecurityInsights/onboardingStates',
      'Microsoft.Insights/dataCollectionEndpoints',
      'Microsoft.Authorization/roleAssignments',
    ])
    expect(deploy(template, everything).resources.filter(({ isDeployed }) => !isDeployed)).toEqual([])
  })

  test('outputs are what an agent needs, by the endpoint of the rule or by one of its own', () => {
    expect(deploy(template, minimal).outputs).toMatchObject({
      endpoint: 'https://rule.westeurope-1.ingest.monitor.azure.com',
      ruleId: `dcr-${'0'.repeat(32)}`,
    })
    const { endpoint, ruleId } = deploy(template, everything).outputs
    expect(endpoint).toBe('https://endpoint.westeurope-1.ingest.monitor.azure.com')
    expect(
      sentinelSchema.safeParse({ endpoint, ruleId, auth: { type: 'managed-identity' } }).error?.issues ?? [],
    ).toEqual([])
  })

  test('the relay may publish to the rule, and to nothing else', () => {
    const { resources } = deploy(template, everything)
    const { id, properties } = only(resources, 'Microsoft.Authorization/roleAssignments')
    expect(id).toMatch(
      /\/dataCollectionRules\/siem-relay\/providers\/Microsoft.Authorization\/roleAssignments\/[0-9a-f-]{36}$/,
    )
    expect(properties.principalId).toBe(everything.principalId)
    expect(properties.roleDefinitionId).toMatch(/\/roleDefinitions\/3913510d-42f4-4e42-8a64-420c390055eb$/)
  })

  test('what Azure drops after it said 204 raises an alert', () => {
    const alerts = deploy(template, everything).resources.filter(({ type }) => type.endsWith('/metricAlerts'))
    const metrics = alerts.map(
      ({ properties }) => (properties.criteria as unknown as { allOf: { metricName: string }[] }).allOf[0]?.metricName,
    )
    expect(metrics).toEqual(['RowsDropped_Count', 'TransformationErrors_Count'])
    for (const { properties, location } of alerts) {
      expect(location).toBe('global')
      expect(properties.actions).toEqual([{ actionGroupId: everything.actionGroupId }])
    }
    expect(only(deploy(template, minimal).resources, 'Microsoft.Insights/diagnosticSettings').properties.logs).toEqual([
      { category: 'LogErrors', enabled: true },
    ])
  })

  test('a table of the Basic plan is not given days it cannot have', () => {
    const days = (given: Parameters<typeof deploy>[1]): readonly unknown[] =>
      deploy(template, given)
        .resources.filter(({ type }) => type.endsWith('/tables'))
        .map(({ properties }) => [properties.plan, properties.retentionInDays])
    expect(days(minimal)).toEqual([
      ['Analytics', 90],
      ['Analytics', 90],
    ])
    expect(days(everything)).toEqual([
      ['Analytics', 90],
      ['Basic', null],
    ])
  })
})

describe('workbook', () => {
  const titles = content.workbook.tiles.map(({ title }) => title)

  test("has Microsoft's eight tiles, and what was missing", () => {
    expect(titles).toEqual([
      'Latest discovery alerts',
      'Alert details',
      'Alert trend, by alert name',
      'Top 10 application categories, traffic in MB',
      'User traffic in MB',
      'Application score distribution',
      'Usage trend',
      'Discovery logs, by score',
      'Blocked events',
      'Sanctioned, unsanctioned and undecided, traffic in MB',
      'Apps first seen in this time',
      'Top uploaders',
      'Data health',
      'What Azure refused to store',
    ])
  })

  test('every column a tile shows, hides, colours or hands on is in its result', () => {
    for (const {
      title,
      query,
      hidden = [],
      heat = [],
      sparks = [],
      bars = {},
      tile = {},
      tree,
      exports: exported,
    } of content.workbook.tiles) {
      const named = [
        ...hidden,
        ...heat,
        ...sparks,
        ...Object.keys(bars),
        ...Object.values(tile),
        ...Object.values(tree ?? {}),
        ...(exported === undefined ? [] : [exported.column]),
      ]
      const columns = kusto.columnsOf(filled(query))
      expect([title, named.filter((name) => !columns.includes(name))]).toEqual([title, []])
    }
  })

  test('counts the global view alone at first, since it holds the rows of the other streams too', () => {
    expect(content.workbook.parameters.find(({ name }) => name === 'DataStream')?.value).toEqual(['Global view'])
  })

  test('is the same in the deployment and in the content hub', () => {
    const { properties } = only(deploy(template, minimal).resources, 'Microsoft.Insights/workbooks')
    expect(JSON.parse(String(properties.serializedData))).toEqual(
      JSON.parse(read('deploy/sentinel/solution/Workbooks/SiemRelayCloudDiscovery.json')),
    )
  })
})

describe('content hub', () => {
  test('names files that are there, all of them', () => {
    const folder = 'deploy/sentinel/solution'
    const solution = JSON.parse(read(`${folder}/Data/Solution_SiemRelay.json`)) as Record<string, readonly string[]>
    const listed = ['Parsers', 'Workbooks', 'Analytic Rules', 'Hunting Queries'].flatMap((kind) => solution[kind] ?? [])
    const there = globSync(`${folder}/{Parsers,Workbooks,Analytic Rules,Hunting Queries}/*`, { cwd: root }).map(
      (path) => path.replaceAll('\\', '/').replace(`${folder}/`, ''),
    )
    expect(there.length).toBeGreaterThan(8)
    expect(listed.toSorted()).toEqual(there.toSorted())
    expect(solution['Data Connectors']?.map((path) => read(`${folder}/${path}`).length > 0)).toEqual([true])
  })

  test('rules and hunting queries read back as they were written', () => {
    const rules = globSync('deploy/sentinel/solution/Analytic Rules/*.yaml', { cwd: root }).map((path) =>
      yaml<Record<string, unknown>>(path),
    )
    expect(rules.map(({ id }) => id).toSorted()).toEqual(content.rules.map(({ id }) => id).toSorted())
    for (const rule of content.rules)
      expect(rules.find(({ id }) => id === rule.id)).toMatchObject({
        description: rule.description,
        queryPeriod: rule.period,
        query: `${wholeQuery(rule)}\n`,
        customDetails: { RelayAlertId: 'SystemAlertId' },
      })
    const hunting = globSync('deploy/sentinel/solution/Hunting Queries/*.yaml', { cwd: root }).map((path) =>
      yaml<Record<string, unknown>>(path),
    )
    for (const { id, tactics, techniques, query } of content.hunting)
      expect(hunting.find((each) => each.id === id)).toMatchObject({
        tactics,
        relevantTechniques: techniques,
        query: `${query}\n`,
      })
  })

  test('ids are GUIDs, each used once', () => {
    const ids = [...content.functions, ...content.rules, ...content.hunting].map(({ id }) => id)
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
    expect(new Set(ids).size).toBe(ids.length)
  })
})

describe('Power BI', () => {
  test.each(globSync('deploy/sentinel/powerbi/*.pq', { cwd: root }))('%s: brackets close, quotes pair', (path) => {
    const code = read(path)
      .replaceAll(/^\s*\/\/.*$/gm, '')
      .replaceAll(/#?"(?:[^"]|"")*"/g, 'x')
    expect(code).not.toContain('"')
    for (const [open, close] of ['()', '[]', '{}'])
      expect(code.split(open as string).length).toBe(code.split(close as string).length)
  })

  test('every query asks the workspace of the parameter and nothing that is put together', () => {
    for (const { name } of content.dashboard) {
      const text = read(`deploy/sentinel/powerbi/${name}.pq`)
      expect(text).toContain('Web.Contents("https://api.loganalytics.io", [')
      expect(text).toContain('RelativePath = "v1/workspaces/" & WorkspaceId & "/query"')
    }
  })

  test('every column a measure names is in the result of its query', () => {
    const measures = read('deploy/sentinel/powerbi/measures.dax')
    const named = [...measures.matchAll(/\b([A-Z]\w+)\[(\w+)\]/g)]
    expect(named.length).toBeGreaterThan(10)
    const columns = new Map(content.dashboard.map(({ name, query }) => [name, kusto.columnsOf(query)]))
    expect(
      named.filter(([, table = '', column = '']) => !columns.get(table)?.includes(column)).map(([all]) => all),
    ).toEqual([])
  })
})

function only(resources: readonly Resource[], type: string): Resource {
  const [found, ...others] = resources.filter((resource) => resource.type === type)
  if (found === undefined || others.length > 0) throw new Error(`not one ${type}`)
  return found
}

function yaml<Value>(path: string): Value {
  const { value, problems } = parseYaml(read(path))
  expect(problems).toEqual([])
  return value as Value
}
