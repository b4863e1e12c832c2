/** The template as Azure would work it out: what is created, what depends on what, what comes out. */
import { describe, expect, test } from 'vitest'
import { sentinelSchema } from '../../packages/common/src/sentinel/settings.ts'
import { deploy } from '../support/arm.ts'
import { everything, minimal, only, template } from '../support/sentinel.ts'

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
