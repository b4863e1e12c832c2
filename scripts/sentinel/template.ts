/** deploy/sentinel/azuredeploy.json: everything on Azure's side in one resource group deployment. Sources: Microsoft's template reference
 *  of each resource type, "Structure of a data collection rule", "Tutorial: Send data to Azure Monitor Logs by the ingestion API". */
import { collection, hasEndpoint, ids } from './collection.ts'
import type { Content } from './content.ts'
import { metricAlerts } from './metric-alerts.ts'
import { parameters } from './parameters.ts'
import { ruleResources } from './rules.ts'
import { functionResources, huntingResources, savedSearchIds } from './searches.ts'
import { notebookOf } from './workbook.ts'

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
      ...collection(),
      ...functionResources(content.functions),
      ...content.rules.map(ruleResources),
      ...huntingResources(content),
      workbook(content),
      ...metricAlerts(),
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
