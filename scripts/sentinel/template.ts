/** deploy/sentinel/azuredeploy.json: everything on Azure's side in one resource group deployment. Sources: Microsoft's template reference
 *  of each resource type, "Structure of a data collection rule", "Tutorial: Send data to Azure Monitor Logs by the ingestion API". */
import type { SentinelTable } from '../../packages/common/src/sentinel/schema.ts'
import type { Content } from './content.ts'
import { ruleResources } from './rules.ts'
import { dataFlows, ownTables, streamDeclarations, tableSchema } from './schema.ts'
import { notebookOf } from './workbook.ts'

/** Monitoring Metrics Publisher: may send to what it is assigned on, and read nothing. */
const publisherRole = '3913510d-42f4-4e42-8a64-420c390055eb'

const ids = {
  workspace: "resourceId('Microsoft.OperationalInsights/workspaces', parameters('workspaceName'))",
  rule: "resourceId('Microsoft.Insights/dataCollectionRules', parameters('dataCollectionRuleName'))",
  endpoint: "resourceId('Microsoft.Insights/dataCollectionEndpoints', variables('endpointName'))",
  sentinel: "extensionResourceId(variables('workspaceId'), 'Microsoft.SecurityInsights/onboardingStates', 'default')",
} as const

const hasEndpoint = "not(empty(parameters('dataCollectionEndpointName')))"

export function templateText(content: Content): string {
  return `${JSON.stringify(template(content), null, 2)}\n`
}

function template(content: Content): object {
  return {
    $schema: 'https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#',
    contentVersion: '1.0.0.0',
    metadata: {
      description:
        'siem-relay to Microsoft Sentinel: tables, data collection rule, permission, functions, analytics rules, hunting queries, workbook, metric alerts. Made by `npm run docs`.',
    },
    parameters: parameters(),
    variables: {
      workspaceId: `[${ids.workspace}]`,
      dataCollectionRuleId: `[${ids.rule}]`,
      // A name has to be there even where there is no endpoint.
      endpointName: `[if(${hasEndpoint}, parameters('dataCollectionEndpointName'), 'none')]`,
      // {shards} and {shard} are filled in rule by rule.
      alertsQuery: content.rules.find(({ isSharded }) => isSharded)?.query ?? '',
    },
    resources: [
      ...workspace(),
      ...ownTables().map(table),
      endpoint(),
      rule(),
      permission(),
      errorLog(),
      ...content.functions.map(({ id, name, title, query }) => ({
        ...savedSearch(id),
        properties: {
          eTag: '*',
          category: 'Microsoft Sentinel Parser',
          displayName: title,
          functionAlias: name,
          functionParameters: '',
          version: 2,
          query,
        },
        dependsOn: tableIds(),
      })),
      ...content.rules.map(ruleResources),
      ...content.hunting.map(({ id, name, description, tactics, techniques, query }) => ({
        ...savedSearch(id),
        properties: {
          eTag: '*',
          category: 'Hunting Queries',
          displayName: name,
          version: 2,
          query,
          tags: [
            { name: 'description', value: description },
            { name: 'tactics', value: tactics.join(',') },
            { name: 'techniques', value: techniques.join(',') },
          ],
        },
        dependsOn: savedSearchIds(content.functions),
      })),
      workbook(content),
      metricAlert(
        'rows-dropped',
        'Azure dropped rows of siem-relay',
        'Rows were accepted and not stored: the rule of the data collection has another schema than the tables, or another than the relay.',
        'RowsDropped_Count',
        'Total',
      ),
      metricAlert(
        'transformation-errors',
        'Azure could not transform rows of siem-relay',
        'Rows were accepted and could not be transformed: DCRLogErrors in the workspace says which stream and why.',
        'TransformationErrors_Count',
        'Count',
      ),
    ],
    outputs: {
      endpoint: {
        type: 'string',
        metadata: { description: 'sentinel.endpoint of the agent.' },
        value: `[if(${hasEndpoint}, reference(${ids.endpoint}, '2022-06-01').logsIngestion.endpoint, reference(${ids.rule}, '2023-03-11').endpoints.logsIngestion)]`,
      },
      ruleId: {
        type: 'string',
        metadata: { description: 'sentinel.ruleId of the agent.' },
        value: `[reference(${ids.rule}, '2023-03-11').immutableId]`,
      },
      dataCollectionRuleId: { type: 'string', value: "[variables('dataCollectionRuleId')]" },
      workspaceId: {
        type: 'string',
        metadata: { description: 'WorkspaceId of the Power BI queries.' },
        value: `[reference(variables('workspaceId'), '2022-10-01').customerId]`,
      },
    },
  }
}

function parameters(): object {
  const text = (description: string, more: object = {}): object => ({
    type: 'string',
    ...more,
    metadata: { description },
  })
  const flag = (defaultValue: boolean, description: string): object => ({
    type: 'bool',
    defaultValue,
    metadata: { description },
  })
  return {
    workspaceName: text('Log Analytics workspace of this resource group that Microsoft Sentinel works on.'),
    createWorkspace: flag(
      false,
      'Create the workspace and switch Microsoft Sentinel on. Leave it off for one that exists.',
    ),
    location: text('Region of the workspace: the data collection rule has to be in the same.', {
      defaultValue: '[resourceGroup().location]',
    }),
    principalId: text(
      'Object id of the service principal or managed identity the relay signs in as; empty assigns no role. Not the application (client) id.',
      { defaultValue: '' },
    ),
    dataCollectionRuleName: text('Name of the data collection rule.', { defaultValue: 'siem-relay' }),
    dataCollectionEndpointName: text(
      'Name of a data collection endpoint to create, for private link; empty: the rule has an endpoint of its own.',
      { defaultValue: '' },
    ),
    endpointPublicNetworkAccess: text('Whether the data collection endpoint answers from the internet.', {
      defaultValue: 'Enabled',
      allowedValues: ['Enabled', 'Disabled', 'SecuredByPerimeter'],
    }),
    retentionInDays: {
      type: 'int',
      defaultValue: 90,
      minValue: 4,
      maxValue: 730,
      metadata: { description: 'Days the two tables can be queried; 90 cost nothing extra where Sentinel is on.' },
    },
    totalRetentionInDays: {
      type: 'int',
      defaultValue: 90,
      minValue: 4,
      maxValue: 4383,
      metadata: { description: 'Days the two tables are kept, archive included.' },
    },
    discoveryTablePlan: text(
      'Plan of McasShadowItReporting_CL. Basic is cheaper to fill and costs for every query. McasAlerts_CL is always Analytics: rules cannot ask another.',
      { defaultValue: 'Analytics', allowedValues: ['Analytics', 'Basic'] },
    ),
    createIncidents: flag(true, 'Whether raised alerts make incidents.'),
    alertRulesEnabled: flag(true, 'Whether the analytics rules run.'),
    alertRuleShards: {
      type: 'int',
      defaultValue: 1,
      minValue: 1,
      maxValue: 8,
      metadata: {
        description:
          'Rules that share out new alerts; each raises up to 140 in 5 minutes, and catches up after a burst.',
      },
    },
    actionGroupId: text('Resource id of the action group the two metric alerts call; empty: they only show.', {
      defaultValue: '',
    }),
  }
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

function tableIds(): readonly string[] {
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

function savedSearch(id: string): object {
  return {
    type: 'Microsoft.OperationalInsights/workspaces/savedSearches',
    apiVersion: '2020-08-01',
    name: `[format('{0}/${id}', parameters('workspaceName'))]`,
  }
}

function savedSearchIds(of: readonly { readonly id: string }[]): readonly string[] {
  return of.map(
    ({ id }) =>
      `[resourceId('Microsoft.OperationalInsights/workspaces/savedSearches', parameters('workspaceName'), '${id}')]`,
  )
}

function workbook({ workbook: book, functions }: Content): object {
  return {
    type: 'Microsoft.Insights/workbooks',
    apiVersion: '2022-04-01',
    name: "[guid(variables('workspaceId'), 'siem-relay-workbook')]",
    location: "[parameters('location')]",
    kind: 'shared',
    properties: {
      displayName: 'Cloud Discovery and alerts (siem-relay)',
      category: 'sentinel',
      sourceId: "[variables('workspaceId')]",
      version: 'Notebook/1.0',
      serializedData: JSON.stringify(notebookOf(book)),
    },
    dependsOn: ["[variables('workspaceId')]", ...savedSearchIds(functions)],
  }
}

function metricAlert(
  name: string,
  title: string,
  description: string,
  metricName: string,
  timeAggregation: string,
): object {
  return {
    type: 'Microsoft.Insights/metricAlerts',
    apiVersion: '2018-03-01',
    name: `[format('{0}-${name}', parameters('dataCollectionRuleName'))]`,
    location: 'global',
    properties: {
      description: `${title}. ${description}`,
      severity: 1,
      enabled: true,
      scopes: ["[variables('dataCollectionRuleId')]"],
      evaluationFrequency: 'PT5M',
      windowSize: 'PT15M',
      autoMitigate: true,
      criteria: {
        'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria',
        allOf: [
          {
            criterionType: 'StaticThresholdCriterion',
            name,
            metricNamespace: 'Microsoft.Insights/datacollectionrules',
            metricName,
            timeAggregation,
            operator: 'GreaterThan',
            threshold: 0,
            // The metric appears with the first row.
            skipMetricValidation: true,
          },
        ],
      },
      actions:
        "[if(empty(parameters('actionGroupId')), createArray(), createArray(createObject('actionGroupId', parameters('actionGroupId'))))]",
    },
    dependsOn: ["[variables('dataCollectionRuleId')]"],
  }
}
