metadata description = 'The coordinator: a Flex Consumption app on Node 24, its settings, and nothing secret but hashes.'

param planName string
param appName string
param location string
param tags object
param zoneRedundant bool

@description('Instances that always run. With none, the first call after a quiet time waits for one to start.')
@minValue(0)
param alwaysReadyInstances int

@minValue(1)
@maxValue(1000)
param maximumInstanceCount int

@allowed([512, 2048, 4096])
param instanceMemoryMB int

param identityId string
param identityClientId string
param hostBlobEndpoint string
param packageContainerUrl string
param cosmosEndpoint string
param cosmosDatabase string
param artifactsBlobEndpoint string
@description('It opens nothing, for the component takes no key.')
@secure()
param applicationInsightsConnectionString string

@description('The subnet that the app reaches its stores through; empty without private networking.')
param subnetId string

@description('Whether the app may be called from outside its private endpoint.')
@allowed(['Enabled', 'Disabled'])
param publicNetworkAccess string

@description('FLEET_API_KEYS: hashes of keys, which open nothing. Secure all the same, to stay out of deployment records.')
@secure()
param apiKeys string

@description('The tenant whose access tokens let callers in, and the audience of those tokens; empty: none do.')
param entraTenantId string
param entraAudience string

@allowed(['required', 'off'])
param functionKeys string

param leaseSeconds int
param factoryStaleSeconds int
param clockSkewSecondsMax int
param retentionDays int
param requestsPerCredentialMax int
param queuedJobsMax int
param reaperSchedule string

resource plan 'Microsoft.Web/serverfarms@2025-03-01' = {
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: { tier: 'FlexConsumption', name: 'FC1' }
  properties: { reserved: true, zoneRedundant: zoneRedundant }
}

resource app 'Microsoft.Web/sites@2025-03-01' = {
  name: appName
  location: location
  // azd finds the app that it deploys to by this tag.
  tags: union(tags, { 'azd-service-name': 'coordinator' })
  kind: 'functionapp,linux'
  identity: { type: 'UserAssigned', userAssignedIdentities: { '${identityId}': {} } }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    publicNetworkAccess: publicNetworkAccess
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    siteConfig: { minTlsVersion: '1.2', ftpsState: 'Disabled', http20Enabled: true }
    functionAppConfig: {
      runtime: { name: 'node', version: '24' }
      deployment: {
        storage: {
          type: 'blobContainer'
          value: packageContainerUrl
          authentication: { type: 'UserAssignedIdentity', userAssignedIdentityResourceId: identityId }
        }
      }
      scaleAndConcurrency: {
        maximumInstanceCount: maximumInstanceCount
        instanceMemoryMB: instanceMemoryMB
        alwaysReady: alwaysReadyInstances == 0 ? [] : [{ name: 'http', instanceCount: alwaysReadyInstances }]
      }
    }
  }

  // Deployment goes by identity as well: no publishing user, no password.
  resource noFtpUser 'basicPublishingCredentialsPolicies' = { name: 'ftp', properties: { allow: false } }
  resource noScmUser 'basicPublishingCredentialsPolicies' = { name: 'scm', properties: { allow: false } }

  // The whole list: what is not here is taken away at the next deployment.
  resource settings 'config' = {
    name: 'appsettings'
    properties: {
      // The platform's. It reads them itself, or through its libraries; infra/check/expected.ts says which.
      AzureWebJobsStorage__blobServiceUri: hostBlobEndpoint
      AzureWebJobsStorage__credential: 'managedidentity'
      AzureWebJobsStorage__clientId: identityClientId
      APPLICATIONINSIGHTS_CONNECTION_STRING: applicationInsightsConnectionString
      APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'Authorization=AAD;ClientId=${identityClientId}'
      AZURE_CLIENT_ID: identityClientId
      // The coordinator's (shared/settings.ts).
      DB_PROVIDER: 'cosmos'
      COSMOS_ENDPOINT: cosmosEndpoint
      COSMOS_DATABASE: cosmosDatabase
      BLOB_ENDPOINT: artifactsBlobEndpoint
      FLEET_API_KEYS: apiKeys
      ENTRA_TENANT_ID: entraTenantId
      ENTRA_AUDIENCE: entraAudience
      // Another one in each of Azure's clouds.
      ENTRA_AUTHORITY: empty(entraTenantId) ? '' : environment().authentication.loginEndpoint
      FUNCTION_KEYS: functionKeys
      LEASE_SECONDS: string(leaseSeconds)
      FACTORY_STALE_SECONDS: string(factoryStaleSeconds)
      CLOCK_SKEW_SECONDS_MAX: string(clockSkewSecondsMax)
      RETENTION_DAYS: string(retentionDays)
      REQUESTS_PER_CREDENTIAL_MAX: string(requestsPerCredentialMax)
      QUEUED_JOBS_MAX: string(queuedJobsMax)
      REAPER_SCHEDULE: reaperSchedule
    }
  }
}

output appId string = app.id
output appName string = app.name
output url string = 'https://${app.properties.defaultHostName}'
