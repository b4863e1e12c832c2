import { describe, expect, test } from 'vitest'
import { readRuleTemplate } from './rule-template.ts'
import { readRules } from './rules.ts'

// The shape of "Structure of a data collection rule in Azure Monitor".
const properties = {
  streamDeclarations: {
    'Custom-McasDiscovery': {
      columns: [
        { name: 'TimeGenerated', type: 'dateTime' },
        { name: 'RecordId', type: 'string' },
      ],
    },
    'Custom-McasActivities': { columns: [{ name: 'ExtID', type: 'string' }] },
    'Custom-Elsewhere': { columns: [{ name: 'X', type: 'int' }] },
  },
  destinations: { logAnalytics: [{ workspaceResourceId: '…', name: 'la' }] },
  dataFlows: [
    { streams: ['Custom-McasDiscovery'], destinations: ['la'], outputStream: 'Custom-McasShadowItReporting_CL' },
    { streams: ['Custom-McasActivities'], destinations: ['la'], outputStream: 'Microsoft-CommonSecurityLog' },
    { streams: ['Custom-Elsewhere'], destinations: ['la'], outputStream: "[parameters('table')]" },
  ],
}
const resource = { type: 'Microsoft.Insights/dataCollectionRules', name: 'relay', kind: 'Direct', properties }
const read = (value: unknown) => readRuleTemplate(JSON.stringify(value))

describe('a rule is read from', () => {
  test.each([
    ['a template', { resources: [{ type: 'Microsoft.Insights/dataCollectionEndpoints', properties: {} }, resource] }],
    ['a template with symbolic names', { resources: { rule: resource } }],
    [
      'a template in a deployment',
      { resources: [{ type: 'Microsoft.Resources/deployments', properties: { template: { resources: [resource] } } }] },
    ],
    ['a type in another case', { resources: [{ ...resource, type: 'microsoft.insights/DataCollectionRules' }] }],
  ])('%s', (_, template) => {
    const [rule, ...others] = read(template)
    expect(others).toEqual([])
    expect(rule?.streams).toEqual({
      'Custom-McasDiscovery': {
        columns: [
          { name: 'TimeGenerated', type: 'datetime' },
          { name: 'RecordId', type: 'string' },
        ],
        outputStream: 'Custom-McasShadowItReporting_CL',
      },
      'Custom-McasActivities': {
        columns: [{ name: 'ExtID', type: 'string' }],
        outputStream: 'Microsoft-CommonSecurityLog',
        idColumn: 'ExtID',
      },
      'Custom-Elsewhere': { columns: [{ name: 'X', type: 'int' }] },
    })
    expect(readRules(rule === undefined ? [] : [rule]).get(rule?.immutableId ?? '')?.size).toBe(3)
  })

  test('what the command line tool prints of a deployed one, under the id it has', () => {
    const immutableId = `dcr-${'a'.repeat(32)}`
    expect(read({ name: 'relay', immutableId, ...properties })).toMatchObject([{ immutableId }])
    expect(read({ resources: [{ ...resource, properties: { ...properties, immutableId } }] })).toMatchObject([
      { immutableId },
    ])
  })

  test('each of several rules, under an id that stays the same for its name', () => {
    const two = [resource, { ...resource, name: 'other' }]
    const ids = read(two).map(({ immutableId }) => immutableId)
    expect(new Set(ids).size).toBe(2)
    expect(read(two).map(({ immutableId }) => immutableId)).toEqual(ids)
  })
})

describe('a template is refused', () => {
  test.each([
    ['that is no JSON', 'resource rule', 'no JSON'],
    ['that holds no rule', '{"resources":[]}', 'no data collection rule'],
    ['whose rule declares no streams', JSON.stringify({ ...resource, properties: {} }), 'no data collection rule'],
    [
      'whose columns are an expression',
      JSON.stringify({
        ...resource,
        properties: { streamDeclarations: { 'Custom-X': { columns: '[variables(1)]' } } },
      }),
      'the columns of Custom-X',
    ],
    [
      'whose column has no type',
      JSON.stringify({ ...resource, properties: { streamDeclarations: { 'Custom-X': { columns: [{ name: 'Y' }] } } } }),
      '{"name":"Y"}',
    ],
  ])('%s', (_, text, words) => expect(() => readRuleTemplate(text)).toThrow(words))
})
