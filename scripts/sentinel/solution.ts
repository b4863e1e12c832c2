/** deploy/sentinel/solution: the same content in the layout that the packer of Microsoft's content hub takes. Source: "Create a codeless
 *  connector for Microsoft Sentinel", push connectors, and solutions published in that form. */
import type { Content } from './content.ts'
import { ruleFile } from './rules.ts'
import { dataFlows, flows, ownTables, streamDeclarations, tableSchema } from './schema.ts'
import { notebookOf } from './workbook.ts'
import { yamlText } from './yaml.ts'

const version = '1.0.0'
/** Day of this version. */
const released = '2026-11-24'
const connectorId = 'SiemRelayPush'
const connectorFolder = `Data Connectors/${connectorId}_CCF`
const workbookFile = 'Workbooks/SiemRelayCloudDiscovery.json'

/** Files by path in the folder of the solution. */
export function solutionFiles(content: Content): ReadonlyMap<string, string> {
  const named = <Of extends { readonly name: string }>(
    folder: string,
    of: readonly Of[],
    shape: (each: Of) => object,
  ) => of.map((each) => [`${folder}/${fileName(each.name)}.yaml`, yamlText(shape(each))] as const)
  const parsers = content.functions.map(
    ({ id, name, title, query }) =>
      [
        `Parsers/${name}.yaml`,
        yamlText({
          id,
          Function: { Title: title, Version: version, LastUpdated: released },
          Category: 'Microsoft Sentinel Parser',
          FunctionName: name,
          FunctionAlias: name,
          FunctionQuery: query,
        }),
      ] as const,
  )
  const rules = named('Analytic Rules', content.rules, ruleFile)
  const hunting = named(
    'Hunting Queries',
    content.hunting,
    ({ id, name, description, tactics, techniques, query }) => ({
      id,
      name,
      description,
      requiredDataConnectors: [{ connectorId, dataTypes: ownTables().map(({ table }) => table) }],
      tactics,
      relevantTechniques: techniques,
      query,
    }),
  )
  const paths = (of: readonly (readonly [string, string])[]): readonly string[] => of.map(([path]) => path)
  return new Map([
    ['Data/Solution_SiemRelay.json', json(description(paths(parsers), paths(rules), paths(hunting)))],
    ['SolutionMetadata.json', json(metadata)],
    [`${connectorFolder}/${connectorId}_ConnectorDefinition.json`, json(connectorDefinition())],
    [`${connectorFolder}/${connectorId}_PollerConfig.json`, json([pollerConfig()])],
    [`${connectorFolder}/${connectorId}_DCR.json`, json([dataCollectionRule()])],
    ...ownTables().map(
      (table) =>
        [
          `${connectorFolder}/table_${table.table}.json`,
          json([
            {
              type: 'Microsoft.OperationalInsights/workspaces/tables',
              apiVersion: '2022-10-01',
              name: table.table,
              properties: { schema: tableSchema(table) },
            },
          ]),
        ] as const,
    ),
    ...parsers,
    ...rules,
    ...hunting,
    [workbookFile, json(notebookOf(content.workbook))],
  ])
}

function fileName(name: string): string {
  return name.replace(/\b[a-z]/g, (letter) => letter.toUpperCase()).replaceAll(/[^A-Za-z0-9]/g, '')
}

function json(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`
}

function description(parsers: readonly string[], rules: readonly string[], hunting: readonly string[]): object {
  return {
    Name: 'siem-relay',
    Author: 'siem-relay',
    Logo: '<img src="https://raw.githubusercontent.com/Azure/Azure-Sentinel/master/Logos/Azure_Sentinel.svg" width="75px" height="75px">',
    Description:
      'Alerts, activities and Cloud Discovery rows of Microsoft Defender for Cloud Apps, sent by siem-relay through the Logs Ingestion API: tables, functions that count each row once, rules that raise every alert, hunting queries and a workbook.',
    'Data Connectors': [`${connectorFolder}/${connectorId}_ConnectorDefinition.json`],
    Parsers: parsers,
    Workbooks: [workbookFile],
    'Analytic Rules': rules,
    'Hunting Queries': hunting,
    Watchlists: [],
    Playbooks: [],
    BasePath: 'C:\\GitHub\\Azure-Sentinel\\Solutions\\siem-relay',
    Version: version,
    Metadata: 'SolutionMetadata.json',
    TemplateSpec: true,
    Is1PConnector: false,
  }
}

const metadata = {
  publisherId: 'siem-relay',
  offerId: 'siem-relay-sentinel',
  firstPublishDate: released,
  providers: ['siem-relay'],
  categories: { domains: ['Security - Cloud Security', 'Cloud Provider'] },
  support: { name: 'siem-relay', tier: 'Community' },
}

/** The page of the gallery. Its button creates the application, the rule, the tables and the permission, and shows what the agent needs. */
function connectorDefinition(): object {
  const tables = flows.map(({ table: { table, isOwn } }) => ({
    table,
    query: isOwn ? table : `${table} | where DeviceVendor == "MCAS" and DeviceProduct == "SIEM_Agent"`,
  }))
  const copyable = (label: string, fillWith: string): object => ({
    type: 'CopyableLabel',
    parameters: { label, fillWith: [fillWith], placeholder: 'Choose Deploy first', wideLabel: true },
  })
  return {
    name: connectorId,
    apiVersion: '2022-09-01-preview',
    type: 'Microsoft.SecurityInsights/dataConnectorDefinitions',
    location: '{{location}}',
    kind: 'Customizable',
    properties: {
      connectorUiConfig: {
        id: connectorId,
        title: 'Defender for Cloud Apps by siem-relay',
        publisher: 'siem-relay',
        descriptionMarkdown:
          'siem-relay sends alerts, Cloud Discovery rows and, if wanted, activities of Microsoft Defender for Cloud Apps: nothing lost, and each row told from its copies by its id.',
        graphQueries: tables.map(({ table, query }) => ({
          metricName: `Rows of ${table}`,
          legend: table,
          baseQuery: query,
        })),
        sampleQueries: [
          { description: 'Discovery rows, each once', query: 'McasDiscovery | sort by TimeGenerated desc | take 10' },
          {
            description: 'Alerts by severity, each once',
            query: 'McasAlerts | summarize Alerts = count() by AlertSeverity',
          },
        ],
        dataTypes: tables.map(({ table, query }) => ({
          name: table,
          lastDataReceivedQuery: `${query} | summarize Time = max(TimeGenerated) | where isnotempty(Time)`,
        })),
        connectivityCriteria: [
          {
            type: 'IsConnectedQuery',
            value: [
              'union isfuzzy=true McasAlerts_CL, McasShadowItReporting_CL | where ingestion_time() > ago(1d) | take 1 | project IsConnected = true',
            ],
          },
        ],
        availability: { status: 1, isPreview: true },
        permissions: {
          resourceProvider: [
            {
              provider: 'Microsoft.OperationalInsights/workspaces',
              permissionsDisplayText: 'read and write permissions.',
              providerDisplayName: 'Workspace',
              scope: 'Workspace',
              requiredPermissions: { read: true, write: true, delete: true },
            },
          ],
          customs: [
            {
              name: 'Microsoft Entra',
              description: 'Application Developer, to register the application of the relay.',
            },
            {
              name: 'Microsoft Azure',
              description: 'Owner or User Access Administrator, to assign Monitoring Metrics Publisher on the rule.',
            },
          ],
        },
        instructionSteps: [
          {
            title: '1. Create what receives the rows',
            description: 'Tables, data collection rule, application and permission. The secret is shown once.',
            instructions: [
              {
                type: 'DeployPushConnectorButton',
                parameters: { label: 'Deploy', applicationDisplayName: 'siem-relay' },
              },
            ],
          },
          {
            title: '2. Configure the agent of siem-relay',
            description:
              'Put these into an agent of the type `sentinel`, and the secret into a file that `auth.clientSecretFile` names.',
            instructions: [
              copyable('auth.tenantId', 'TenantId'),
              copyable('auth.clientId', 'ApplicationId'),
              copyable('Client secret', 'ApplicationSecret'),
              copyable('endpoint', 'DataCollectionEndpoint'),
              copyable('ruleId', 'DataCollectionRuleId'),
            ],
          },
        ],
      },
    },
  }
}

/** Named so by the packer; of a push connector it says where the rows arrive. The two brackets are undone by the packer. */
function pollerConfig(): object {
  return {
    name: connectorId,
    apiVersion: '2024-09-01',
    type: 'Microsoft.SecurityInsights/dataConnectors',
    kind: 'Push',
    properties: {
      connectorDefinitionName: connectorId,
      dataType: 'siem-relay',
      dcrConfig: {
        streamName: flows[0]?.stream,
        dataCollectionEndpoint: "[[parameters('dcrConfig').dataCollectionEndpoint]",
        dataCollectionRuleImmutableId: "[[parameters('dcrConfig').dataCollectionRuleImmutableId]",
      },
      auth: {
        type: 'Push',
        AppId: "[[parameters('auth').appId]",
        ServicePrincipalId: "[[parameters('auth').servicePrincipalId]",
      },
      request: { retryCount: 1 },
      response: { eventsJsonPaths: ['$'] },
    },
  }
}

function dataCollectionRule(): object {
  return {
    name: 'SiemRelayDCR',
    apiVersion: '2022-06-01',
    type: 'Microsoft.Insights/dataCollectionRules',
    location: '{{location}}',
    properties: {
      dataCollectionEndpointId: '{{dataCollectionEndpointId}}',
      streamDeclarations: streamDeclarations(),
      destinations: { logAnalytics: [{ workspaceResourceId: '{{workspaceResourceId}}', name: 'workspace' }] },
      dataFlows: dataFlows('workspace'),
    },
  }
}
