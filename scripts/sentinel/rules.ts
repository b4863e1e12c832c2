/** Analytics rules, as resources of a deployment and as files of the content hub: what they raise is in one place. */
import { type AnalyticsRule, wholeQuery } from './content.ts'

/** What a raised alert is of, and which columns name it. */
const entityMappings = [
  {
    entityType: 'Account',
    fieldMappings: [
      { identifier: 'Name', columnName: 'AccountName' },
      { identifier: 'UPNSuffix', columnName: 'AccountDomain' },
    ],
  },
  { entityType: 'IP', fieldMappings: [{ identifier: 'Address', columnName: 'IpAddress' }] },
  {
    entityType: 'CloudApplication',
    fieldMappings: [
      { identifier: 'Name', columnName: 'AppName' },
      { identifier: 'AppId', columnName: 'AppId' },
    ],
  },
  { entityType: 'Host', fieldMappings: [{ identifier: 'HostName', columnName: 'HostName' }] },
] as const

/** RelayAlertId is what the rules find an alert again by. */
const customDetails = {
  RelayAlertId: 'SystemAlertId',
  RelayRecordId: 'RecordId',
  AlertType: 'AlertType',
  SourceStatus: 'Status',
  SourceTenant: 'SourceTenant',
} as const

const alertDetailsOverride = {
  alertDisplayNameFormat: '{{AlertName}}',
  alertDescriptionFormat: '{{Description}}',
  alertSeverityColumnName: 'AlertSeverity',
  alertDynamicProperties: [
    { alertProperty: 'AlertLink', value: 'AlertLink' },
    { alertProperty: 'ProductName', value: 'ProductName' },
    { alertProperty: 'ProviderName', value: 'ProviderName' },
  ],
} as const

/** Versions of one alert, and an alert raised twice, end in one incident. */
const grouping = {
  enabled: true,
  reopenClosedIncident: false,
  lookbackDuration: 'P5D',
  matchingMethod: 'Selected',
  groupByEntities: [],
  groupByAlertDetails: [],
  groupByCustomDetails: ['RelayAlertId'],
} as const

/** Of all columns that Azure takes from the result. */
export function resultColumns(): readonly string[] {
  return [
    ...entityMappings.flatMap(({ fieldMappings }) => fieldMappings.map(({ columnName }) => columnName)),
    ...Object.values(customDetails),
    ...[...JSON.stringify(alertDetailsOverride).matchAll(/\{\{(\w+)\}\}/g)].map((match) => match[1] ?? ''),
    alertDetailsOverride.alertSeverityColumnName,
    ...alertDetailsOverride.alertDynamicProperties.map(({ value }) => value),
  ]
}

/** A rule of the deployment: as many as there are shards, if it can be split. */
export function ruleResources(rule: AnalyticsRule): object {
  const { id, name, description, isSharded } = rule
  return {
    ...(isSharded ? { copy: { name: 'shards', count: "[parameters('alertRuleShards')]" } } : {}),
    type: 'Microsoft.SecurityInsights/alertRules',
    apiVersion: '2024-03-01',
    name: isSharded
      ? `[guid(variables('workspaceId'), '${id}', string(copyIndex()))]`
      : `[guid(variables('workspaceId'), '${id}')]`,
    scope: "[variables('workspaceId')]",
    kind: 'Scheduled',
    properties: {
      displayName: isSharded
        ? `[if(equals(parameters('alertRuleShards'), 1), '${name}', format('${name} ({0} of {1})', add(copyIndex(), 1), parameters('alertRuleShards')))]`
        : name,
      description,
      severity: 'Medium',
      enabled: "[parameters('alertRulesEnabled')]",
      query: isSharded
        ? `[replace(replace(variables('alertsQuery'), '{shards}', string(parameters('alertRuleShards'))), '{shard}', string(copyIndex()))]`
        : wholeQuery(rule),
      queryFrequency: iso(rule.frequency),
      queryPeriod: iso(rule.period),
      triggerOperator: 'GreaterThan',
      triggerThreshold: 0,
      suppressionDuration: 'PT5H',
      suppressionEnabled: false,
      tactics: [],
      techniques: [],
      eventGroupingSettings: { aggregationKind: 'AlertPerResult' },
      entityMappings,
      customDetails,
      alertDetailsOverride,
      incidentConfiguration: { createIncident: "[parameters('createIncidents')]", groupingConfiguration: grouping },
    },
    dependsOn: [
      "[extensionResourceId(variables('workspaceId'), 'Microsoft.SecurityInsights/onboardingStates', 'default')]",
      "[resourceId('Microsoft.OperationalInsights/workspaces/tables', parameters('workspaceName'), 'McasAlerts_CL')]",
    ],
  }
}

/** The same rule as the content hub takes it, not split. */
export function ruleFile(rule: AnalyticsRule): object {
  const { id, name, description, frequency, period, version } = rule
  return {
    id,
    name,
    kind: 'Scheduled',
    version,
    description,
    severity: 'Medium',
    status: 'Available',
    requiredDataConnectors: [{ connectorId: 'SiemRelayPush', dataTypes: ['McasAlerts_CL'] }],
    queryFrequency: frequency,
    queryPeriod: period,
    triggerOperator: 'gt',
    triggerThreshold: 0,
    tactics: [],
    relevantTechniques: [],
    query: wholeQuery(rule),
    eventGroupingSettings: { aggregationKind: 'AlertPerResult' },
    entityMappings,
    customDetails,
    alertDetailsOverride,
    incidentConfiguration: { createIncident: true, groupingConfiguration: { ...grouping, lookbackDuration: '5d' } },
  }
}

/** 5m as ISO 8601: PT5M. */
function iso(duration: string): string {
  return duration.endsWith('d') ? `P${duration.toUpperCase()}` : `PT${duration.toUpperCase()}`
}
