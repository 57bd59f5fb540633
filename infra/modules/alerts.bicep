metadata description = 'What somebody must look at. docs/operations.md says of each what it means and what to do.'

param location string
param tags object
param workspaceId string
param cosmosAccountId string

@description('Who is told. Empty: nobody.')
param email string

param oldestQueuedMinutes int
param leaseExpiriesPerHour int
param serverErrorPercent int
param throttledPerQuarterHour int

var actionGroupIds = empty(email) ? [] : [people.id]

resource people 'Microsoft.Insights/actionGroups@2023-01-01' = if (!empty(email)) {
  name: 'fleet-operators'
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'fleet'
    enabled: true
    emailReceivers: [{ name: 'operators', emailAddress: email, useCommonAlertSchema: true }]
  }
}

module oldestQueued 'alert.bicep' = {
  params: {
    name: 'fleet-oldest-queued'
    location: location
    tags: tags
    workspaceId: workspaceId
    actionGroupIds: actionGroupIds
    displayName: 'fleet: a job waits too long'
    summary: 'The oldest queued job of a product is older than ${oldestQueuedMinutes} minutes.'
    severity: 2
    query: loadTextContent('../queries/oldest-queued.kql')
    measure: 'minutes'
    threshold: oldestQueuedMinutes
    window: 'PT15M'
    dimension: 'productId'
  }
}

module leaseExpiries 'alert.bicep' = {
  params: {
    name: 'fleet-lease-expiries'
    location: location
    tags: tags
    workspaceId: workspaceId
    actionGroupIds: actionGroupIds
    displayName: 'fleet: factories fall silent'
    summary: 'More than ${leaseExpiriesPerHour} leases of a product ran out within an hour.'
    severity: 2
    query: loadTextContent('../queries/lease-expiries.kql')
    measure: 'expiries'
    threshold: leaseExpiriesPerHour
    window: 'PT1H'
    dimension: 'productId'
  }
}

module reaperSilent 'alert.bicep' = {
  params: {
    name: 'fleet-reaper-silent'
    location: location
    tags: tags
    workspaceId: workspaceId
    actionGroupIds: actionGroupIds
    displayName: 'fleet: the reaper is silent'
    summary: 'The reaper finished no tick for 5 minutes: jobs of dead factories are given back only by claims.'
    severity: 1
    query: loadTextContent('../queries/reaper-silent.kql')
    measure: 'minutes'
    threshold: 5
    window: 'PT15M'
  }
}

module serverErrors 'alert.bicep' = {
  params: {
    name: 'fleet-server-errors'
    location: location
    tags: tags
    workspaceId: workspaceId
    actionGroupIds: actionGroupIds
    displayName: 'fleet: requests fail'
    summary: 'More than ${serverErrorPercent} % of the requests of 15 minutes were answered 5xx.'
    severity: 1
    query: loadTextContent('../queries/server-errors.kql')
    measure: 'percent'
    threshold: serverErrorPercent
    window: 'PT15M'
  }
}

module throttled 'alert.bicep' = {
  params: {
    name: 'fleet-throttled'
    location: location
    tags: tags
    workspaceId: workspaceId
    actionGroupIds: actionGroupIds
    displayName: 'fleet: requests are throttled'
    summary: 'More than ${throttledPerQuarterHour} requests of 15 minutes were answered 429 by the coordinator.'
    severity: 2
    query: loadTextContent('../queries/throttled.kql')
    measure: 'throttled'
    threshold: throttledPerQuarterHour
    window: 'PT15M'
  }
}

// Earlier than the one above: Cosmos DB says no, and the coordinator's own retries still hide it.
resource cosmosThrottled 'Microsoft.Insights/metricAlerts@2018-03-01' = {
  name: 'fleet-cosmos-throttled'
  location: 'global'
  tags: tags
  properties: {
    description: 'Cosmos DB answered more than ${throttledPerQuarterHour} requests of 15 minutes with 429.'
    severity: 2
    enabled: true
    scopes: [cosmosAccountId]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT15M'
    autoMitigate: true
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          name: 'throttled'
          criterionType: 'StaticThresholdCriterion'
          metricNamespace: 'Microsoft.DocumentDB/databaseAccounts'
          metricName: 'TotalRequests'
          dimensions: [{ name: 'StatusCode', operator: 'Include', values: ['429'] }]
          timeAggregation: 'Count'
          operator: 'GreaterThan'
          threshold: throttledPerQuarterHour
        }
      ]
    }
    actions: empty(email) ? [] : [{ actionGroupId: people.id }]
  }
}
