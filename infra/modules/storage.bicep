metadata description = 'Two accounts: one that the Functions host keeps for itself, one for what jobs leave behind.'

param hostAccountName string
param artifactsAccountName string
param location string
param tags object
param zoneRedundant bool

@description('Whether the host\'s account may be reached from outside its private endpoint.')
@allowed(['Enabled', 'Disabled'])
param hostPublicNetworkAccess string

@description('The same of the artifacts. Factories upload to them directly, with URLs that live for minutes.')
@allowed(['Enabled', 'Disabled'])
param artifactsPublicNetworkAccess string

@description('Who keeps the timer\'s lock and fetches the package, and who may touch artifacts.')
param principalId string

@description('Its name, which the names of role assignments are made of: unlike the id, it is known beforehand.')
param identityName string

var packageContainerName = 'app-package'
var artifactsContainerName = 'artifacts'

// No account key, no anonymous read, no old TLS.
var hardened = {
  allowSharedKeyAccess: false
  defaultToOAuthAuthentication: true
  allowBlobPublicAccess: false
  allowCrossTenantReplication: false
  minimumTlsVersion: 'TLS1_2'
  supportsHttpsTrafficOnly: true
}
var skuName = zoneRedundant ? 'Standard_ZRS' : 'Standard_LRS'

// Built in: Storage Blob Data Owner, Storage Blob Data Contributor, Storage Blob Delegator.
var blobDataOwner = 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
var blobDataContributor = 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'
var blobDelegator = 'db58b8e5-c6ad-4a2a-8342-4190687cbf4a'

resource host 'Microsoft.Storage/storageAccounts@2025-06-01' = {
  name: hostAccountName
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: { name: skuName }
  properties: {
    ...hardened
    publicNetworkAccess: hostPublicNetworkAccess
    networkAcls: { defaultAction: hostPublicNetworkAccess == 'Enabled' ? 'Allow' : 'Deny', bypass: 'None' }
  }

  resource blobs 'blobServices' = {
    name: 'default'

    resource package 'containers' = { name: packageContainerName }
  }
}

resource artifacts 'Microsoft.Storage/storageAccounts@2025-06-01' = {
  name: artifactsAccountName
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: { name: skuName }
  properties: {
    ...hardened
    publicNetworkAccess: artifactsPublicNetworkAccess
    networkAcls: { defaultAction: artifactsPublicNetworkAccess == 'Enabled' ? 'Allow' : 'Deny', bypass: 'None' }
  }

  resource blobs 'blobServices' = {
    name: 'default'
    properties: { deleteRetentionPolicy: { enabled: true, days: 7 } }

    resource container 'containers' = { name: artifactsContainerName }
  }
}

// The host keeps the timer's lock and its own function keys here, and the deployed package.
resource mayUseHost 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: host
  name: guid(host.id, identityName, blobDataOwner)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', blobDataOwner)
  }
}

// Artifacts are written and read in this one container.
resource mayUseArtifacts 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: artifacts::blobs::container
  name: guid(artifacts::blobs::container.id, identityName, blobDataContributor)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', blobDataContributor)
  }
}

// An upload URL is signed with a user delegation key, which can be asked for at the account only.
resource maySignUrls 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: artifacts
  name: guid(artifacts.id, identityName, blobDelegator)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', blobDelegator)
  }
}

output hostAccountId string = host.id
output hostBlobEndpoint string = host.properties.primaryEndpoints.blob
@description('Where the Functions platform puts the deployed package, and fetches it from.')
output packageContainerUrl string = '${host.properties.primaryEndpoints.blob}${packageContainerName}'
output artifactsAccountId string = artifacts.id
output artifactsBlobEndpoint string = artifacts.properties.primaryEndpoints.blob
