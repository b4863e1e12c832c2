/** What whoever deploys `azuredeploy.json` is asked. */

export function parameters(): object {
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
