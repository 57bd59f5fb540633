targetScope = 'subscription'

metadata description = 'The coordinator on Azure: Functions, Cosmos DB, Storage, logs, alerts. No key opens any of it.'

@description('Names the resource group (rg-<name>) and everything in it.')
@minLength(1)
@maxLength(32)
param environmentName string

@description('The region. It must offer Flex Consumption.')
param location string

@description('FLEET_API_KEYS: a JSON array of entries as `npm run keys:new` prints them. Only hashes. May be empty with entraTenantId.')
@secure()
param apiKeys string

@description('ENTRA_TENANT_ID: the id of the tenant whose access tokens let callers in. Empty: API keys alone do.')
param entraTenantId string = ''

@description('ENTRA_AUDIENCE: the application that those tokens must be for, by its id or its id URI.')
param entraAudience string = ''

@description('serverless bills what is used; autoscale bills at least a tenth of its maximum, and goes further.')
@allowed(['serverless', 'autoscale'])
param cosmosCapacity string = 'serverless'

@description('With autoscale: the most request units per second.')
@minValue(1000)
param cosmosAutoscaleMaxThroughput int = 4000

@description('Spreads Cosmos DB, Storage and the app over the zones of the region, for a price.')
param zoneRedundant bool = false

@description('public: every store answers over the internet, to identities alone. private-data: Cosmos DB and the host\'s storage answer inside a network of their own. private: so do the app and the artifacts, so producers and factories must be in that network too.')
@allowed(['public', 'private-data', 'private'])
param networking string = 'public'

@description('Instances that always run. With none, the first call after a quiet time waits for one to start.')
@minValue(0)
@maxValue(100)
param alwaysReadyInstances int = 0

@minValue(1)
@maxValue(1000)
param maximumInstanceCount int = 40

@allowed([512, 2048, 4096])
param instanceMemoryMB int = 2048

@description('required: callers need a function key of the platform as well as their API key.')
@allowed(['required', 'off'])
param functionKeys string = 'required'

@description('A lease, where the claim names no length.')
@minValue(1)
@maxValue(3600)
param leaseSeconds int = 90

@description('Silence after which a factory is stale.')
@minValue(1)
@maxValue(86400)
param factoryStaleSeconds int = 120

@description('How far the clocks of two instances may be apart.')
@minValue(0)
@maxValue(60)
param clockSkewSecondsMax int = 2

@description('After so many days a job that has ended loses its content and history; 0 keeps all of it.')
@minValue(0)
@maxValue(3650)
param retentionDays int = 0

@description('Requests of one credential under way at a time, on each instance; more are answered 429. 0: any number.')
@minValue(0)
@maxValue(10000)
param requestsPerCredentialMax int = 100

@description('Jobs of one product that may wait, queued and blocked; a submission of more is answered 429. 0: any number.')
@minValue(0)
@maxValue(10000000)
param queuedJobsMax int = 0

@description('When the reaper runs: NCRONTAB. An alert expects it within five minutes.')
param reaperSchedule string = '*/30 * * * * *'

@description('How long logs are kept, in days.')
@minValue(30)
@maxValue(730)
param logRetentionDays int = 30

@description('The most logs taken in per day, in gigabytes; what is over is lost, and alerts with it. -1: no bound.')
param logDailyQuotaGb int = 5

@description('Who is told when an alert fires. Empty: nobody; the alerts show in the portal alone.')
param alertEmail string = ''

@description('An alert: the oldest job that waits in the queue is older than this.')
@minValue(1)
param alertOldestQueuedMinutes int = 30

@description('An alert: more leases than this ran out within an hour.')
@minValue(0)
param alertLeaseExpiriesPerHour int = 20

@description('An alert: more than this share of the requests of 15 minutes was answered 5xx.')
@minValue(0)
@maxValue(100)
param alertServerErrorPercent int = 5

@description('An alert: more requests than this were throttled within 15 minutes.')
@minValue(0)
param alertThrottledPerQuarterHour int = 20

var databaseName = 'fleet'
var token = uniqueString(subscription().id, environmentName, location)
var identityName = 'id-fleet-${token}'
var tags = { 'azd-env-name': environmentName }
var dataIsPrivate = networking != 'public'
var appIsPrivate = networking == 'private'
var zoneNames = concat(
  ['privatelink.documents.azure.com', 'privatelink.blob.${environment().suffixes.storage}'],
  appIsPrivate ? ['privatelink.azurewebsites.net'] : []
)

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: 'rg-${environmentName}'
  location: location
  // The first thing that is made, so the place to say it: without keys the app would answer nobody.
  tags: empty(apiKeys) && empty(entraTenantId)
    ? fail('FLEET_API_KEYS is not set: make a key with "npm run keys:new", and give its entry in a JSON array.')
    : tags
}

module identity 'modules/identity.bicep' = {
  scope: group
  params: { name: identityName, location: location, tags: tags }
}

module monitoring 'modules/monitoring.bicep' = {
  scope: group
  params: {
    workspaceName: 'log-fleet-${token}'
    componentName: 'appi-fleet-${token}'
    location: location
    tags: tags
    retentionDays: logRetentionDays
    dailyQuotaGb: logDailyQuotaGb
    principalId: identity.outputs.principalId
    identityName: identityName
  }
}

module cosmos 'modules/cosmos.bicep' = {
  scope: group
  params: {
    accountName: 'cosmos-fleet-${token}'
    databaseName: databaseName
    location: location
    tags: tags
    capacity: cosmosCapacity
    autoscaleMaxThroughput: cosmosAutoscaleMaxThroughput
    zoneRedundant: zoneRedundant
    publicNetworkAccess: dataIsPrivate ? 'Disabled' : 'Enabled'
    principalId: identity.outputs.principalId
    identityName: identityName
  }
}

module storage 'modules/storage.bicep' = {
  scope: group
  params: {
    hostAccountName: 'sthost${token}'
    artifactsAccountName: 'stfleet${token}'
    location: location
    tags: tags
    zoneRedundant: zoneRedundant
    hostPublicNetworkAccess: dataIsPrivate ? 'Disabled' : 'Enabled'
    artifactsPublicNetworkAccess: appIsPrivate ? 'Disabled' : 'Enabled'
    principalId: identity.outputs.principalId
    identityName: identityName
  }
}

module network 'modules/network.bicep' = if (dataIsPrivate) {
  scope: group
  params: { name: 'vnet-fleet-${token}', location: location, tags: tags, zoneNames: zoneNames }
}

// Each private endpoint with the zone that its names are resolved in.
module cosmosEndpoint 'modules/private-endpoint.bicep' = if (dataIsPrivate) {
  scope: group
  params: {
    name: 'pe-cosmos-${token}'
    location: location
    tags: tags
    subnetId: network.?outputs.endpointsSubnetId ?? ''
    resourceId: cosmos.outputs.accountId
    groupId: 'Sql'
    zoneId: network.?outputs.zoneIds[0] ?? ''
  }
}

module hostStorageEndpoint 'modules/private-endpoint.bicep' = if (dataIsPrivate) {
  scope: group
  params: {
    name: 'pe-host-${token}'
    location: location
    tags: tags
    subnetId: network.?outputs.endpointsSubnetId ?? ''
    resourceId: storage.outputs.hostAccountId
    groupId: 'blob'
    zoneId: network.?outputs.zoneIds[1] ?? ''
  }
}

module artifactsEndpoint 'modules/private-endpoint.bicep' = if (dataIsPrivate) {
  scope: group
  params: {
    name: 'pe-artifacts-${token}'
    location: location
    tags: tags
    subnetId: network.?outputs.endpointsSubnetId ?? ''
    resourceId: storage.outputs.artifactsAccountId
    groupId: 'blob'
    zoneId: network.?outputs.zoneIds[1] ?? ''
  }
}

module appEndpoint 'modules/private-endpoint.bicep' = if (appIsPrivate) {
  scope: group
  params: {
    name: 'pe-app-${token}'
    location: location
    tags: tags
    subnetId: network.?outputs.endpointsSubnetId ?? ''
    resourceId: coordinator.outputs.appId
    groupId: 'sites'
    zoneId: network.?outputs.zoneIds[2] ?? ''
  }
}

module coordinator 'modules/function-app.bicep' = {
  scope: group
  // The app starts when it is made. By then its stores must be within reach.
  dependsOn: [cosmosEndpoint, hostStorageEndpoint, artifactsEndpoint]
  params: {
    planName: 'plan-fleet-${token}'
    appName: 'func-fleet-${token}'
    location: location
    tags: tags
    zoneRedundant: zoneRedundant
    alwaysReadyInstances: alwaysReadyInstances
    maximumInstanceCount: maximumInstanceCount
    instanceMemoryMB: instanceMemoryMB
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    hostBlobEndpoint: storage.outputs.hostBlobEndpoint
    packageContainerUrl: storage.outputs.packageContainerUrl
    cosmosEndpoint: cosmos.outputs.endpoint
    cosmosDatabase: databaseName
    artifactsBlobEndpoint: storage.outputs.artifactsBlobEndpoint
    applicationInsightsConnectionString: monitoring.outputs.connectionString
    subnetId: network.?outputs.appSubnetId ?? ''
    publicNetworkAccess: appIsPrivate ? 'Disabled' : 'Enabled'
    apiKeys: apiKeys
    entraTenantId: entraTenantId
    entraAudience: entraAudience
    functionKeys: functionKeys
    leaseSeconds: leaseSeconds
    factoryStaleSeconds: factoryStaleSeconds
    clockSkewSecondsMax: clockSkewSecondsMax
    retentionDays: retentionDays
    requestsPerCredentialMax: requestsPerCredentialMax
    queuedJobsMax: queuedJobsMax
    reaperSchedule: reaperSchedule
  }
}

module alerts 'modules/alerts.bicep' = {
  scope: group
  params: {
    location: location
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
    cosmosAccountId: cosmos.outputs.accountId
    email: alertEmail
    oldestQueuedMinutes: alertOldestQueuedMinutes
    leaseExpiriesPerHour: alertLeaseExpiriesPerHour
    serverErrorPercent: alertServerErrorPercent
    throttledPerQuarterHour: alertThrottledPerQuarterHour
  }
}

module workbook 'modules/workbook.bicep' = {
  scope: group
  params: { location: location, tags: tags, workspaceId: monitoring.outputs.workspaceId }
}

output AZURE_LOCATION string = location
output AZURE_RESOURCE_GROUP string = group.name
output FLEET_URL string = coordinator.outputs.url
output FLEET_APP_NAME string = coordinator.outputs.appName
