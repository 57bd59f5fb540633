metadata description = 'One alert on a query over the logs.'

param name string
param location string
param tags object
param workspaceId string

@description('Who is told; empty: nobody.')
param actionGroupIds string[]

param displayName string
param summary string

@description('0 critical, 1 error, 2 warning, 3 information.')
@minValue(0)
@maxValue(3)
param severity int

param query string

@description('The column of the query\'s answer that is compared.')
param measure string

@description('It fires when the measure is greater than this.')
param threshold int

@description('How far back the query looks, as an ISO 8601 duration.')
param window string

@description('A column to tell one alert from another by; empty: there is one.')
param dimension string = ''

resource rule 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = {
  name: name
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: displayName
    description: summary
    severity: severity
    enabled: true
    scopes: [workspaceId]
    evaluationFrequency: 'PT5M'
    windowSize: window
    // The tables of a new workspace come with the first line that is logged.
    skipQueryValidation: true
    // It closes by itself when the measure is back.
    autoMitigate: true
    criteria: {
      allOf: [
        {
          query: query
          metricMeasureColumn: measure
          timeAggregation: 'Maximum'
          operator: 'GreaterThan'
          threshold: threshold
          dimensions: empty(dimension) ? [] : [{ name: dimension, operator: 'Include', values: ['*'] }]
          failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
        }
      ]
    }
    actions: { actionGroups: actionGroupIds }
  }
}
