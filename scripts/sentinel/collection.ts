/** The way in: workspace, tables, the data collection rule with its endpoint, who may write to it, where it tells of errors. */
import type { SentinelTable } from '../../packages/common/src/sentinel/schema.ts'
import { dataFlows, ownTables, streamDeclarations, tableSchema } from './schema.ts'

/** Monitoring Metrics Publisher: may send to what it is assigned on, and read nothing. */
const publisherRole = '3913510d-42f4-4e42-8a64-420c390055eb'

export const ids = {
  workspace: "resourceId('Microsoft.OperationalInsights/workspaces', parameters('workspaceName'))",
  rule: "resourceId('Microsoft.Insights/dataCollectionRules', parameters('dataCollectionRuleName'))",
  endpoint: "resourceId('Microsoft.Insights/dataCollectionEndpoints', variables('endpointName'))",
  sentinel: "extensionResourceId(variables('workspaceId'), 'Microsoft.SecurityInsights/onboardingStates', 'default')",
} as const

export const hasEndpoint = "not(empty(parameters('dataCollectionEndpointName')))"

export function collection(): readonly object[] {
  return [...workspace(), ...ownTables().map(table), endpoint(), rule(), permission(), errorLog()]
}

function workspace(): readonly object[] {
  return [
    {
      condition: "[parameters('createWorkspace')]",
      type: 'Microsoft.OperationalInsights/workspaces',
      apiVersion: '2022-10-01',
      name: "[parameters('workspaceName')]",
      location: "[parameters('location')]",
      properties: { sku: { name: 'PerGB2018' }, retentionInDays: 90 },
    },
    {
      condition: "[parameters('createWorkspace')]",
      type: 'Microsoft.SecurityInsights/onboardingStates',
      apiVersion: '2024-03-01',
      name: 'default',
      scope: "[variables('workspaceId')]",
      properties: {},
      dependsOn: ["[variables('workspaceId')]"],
    },
  ]
}

function table(of: SentinelTable): object {
  const plan = of.table === 'McasAlerts_CL' ? "'Analytics'" : "parameters('discoveryTablePlan')"
  return {
    type: 'Microsoft.OperationalInsights/workspaces/tables',
    apiVersion: '2022-10-01',
    name: `[format('{0}/${of.table}', parameters('workspaceName'))]`,
    properties: {
      plan: `[${plan}]`,
      // Days of the Basic plan are not to choose.
      retentionInDays: `[if(equals(${plan}, 'Analytics'), parameters('retentionInDays'), null())]`,
      totalRetentionInDays: "[max(parameters('retentionInDays'), parameters('totalRetentionInDays'))]",
      schema: tableSchema(of),
    },
    dependsOn: ["[variables('workspaceId')]"],
  }
}

export function tableIds(): readonly string[] {
  return ownTables().map(
    ({ table: name }) =>
      `[resourceId('Microsoft.OperationalInsights/workspaces/tables', parameters('workspaceName'), '${name}')]`,
  )
}

function endpoint(): object {
  return {
    condition: `[${hasEndpoint}]`,
    type: 'Microsoft.Insights/dataCollectionEndpoints',
    apiVersion: '2022-06-01',
    name: "[variables('endpointName')]",
    location: "[parameters('location')]",
    properties: { networkAcls: { publicNetworkAccess: "[parameters('endpointPublicNetworkAccess')]" } },
  }
}

function rule(): object {
  return {
    type: 'Microsoft.Insights/dataCollectionRules',
    apiVersion: '2023-03-11',
    name: "[parameters('dataCollectionRuleName')]",
    location: "[parameters('location')]",
    // Direct: the rule has an ingestion endpoint of its own. It cannot become so later.
    kind: 'Direct',
    properties: {
      description: 'Alerts, activities and discovery rows of siem-relay.',
      dataCollectionEndpointId: `[if(${hasEndpoint}, ${ids.endpoint}, null())]`,
      streamDeclarations: streamDeclarations(),
      destinations: { logAnalytics: [{ workspaceResourceId: "[variables('workspaceId')]", name: 'workspace' }] },
      dataFlows: dataFlows('workspace'),
    },
    dependsOn: [
      ...tableIds(),
      // CommonSecurityLog comes with Sentinel.
      `[${ids.sentinel}]`,
      `[${ids.endpoint}]`,
    ],
  }
}

function permission(): object {
  return {
    condition: "[not(empty(parameters('principalId')))]",
    type: 'Microsoft.Authorization/roleAssignments',
    apiVersion: '2022-04-01',
    name: `[guid(variables('dataCollectionRuleId'), parameters('principalId'), '${publisherRole}')]`,
    scope: "[variables('dataCollectionRuleId')]",
    properties: {
      roleDefinitionId: `[subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '${publisherRole}')]`,
      principalId: "[parameters('principalId')]",
      // Spares the wait until the directory knows a principal that was created a moment ago.
      principalType: 'ServicePrincipal',
    },
    dependsOn: ["[variables('dataCollectionRuleId')]"],
  }
}

function errorLog(): object {
  return {
    type: 'Microsoft.Insights/diagnosticSettings',
    apiVersion: '2021-05-01-preview',
    name: 'siem-relay-errors',
    scope: "[variables('dataCollectionRuleId')]",
    properties: {
      workspaceId: "[variables('workspaceId')]",
      logs: [{ category: 'LogErrors', enabled: true }],
    },
    dependsOn: ["[variables('dataCollectionRuleId')]", "[variables('workspaceId')]"],
  }
}
