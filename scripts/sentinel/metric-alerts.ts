/** Alerts on what Azure drops after it said 204: they call an action group. */

export function metricAlerts(): readonly object[] {
  return [
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
  ]
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
