metadata description = 'The record: one account, one database, and the containers that the code expects.'

param accountName string
param databaseName string
param location string
param tags object

@description('serverless bills what is used, and is meant for a few thousand request units a second. autoscale bills at least a tenth of its maximum.')
@allowed(['serverless', 'autoscale'])
param capacity string

@description('With autoscale: the most request units per second that all containers share.')
@minValue(1000)
param autoscaleMaxThroughput int

param zoneRedundant bool

@description('Whether the account may be reached from outside its private endpoints.')
@allowed(['Enabled', 'Disabled'])
param publicNetworkAccess string

@description('Who may read and write the documents.')
param principalId string

@description('Its name, which the names of role assignments are made of: unlike the id, it is known beforehand.')
param identityName string

// The one definition, which TypeScript reads as well. It has the shape that the resource provider takes.
var containers = loadJsonContent('../containers.json')

// Built in by Cosmos DB: Data Contributor. It reads and writes documents; it can make no container.
var dataContributor = '00000000-0000-0000-0000-000000000002'

resource account 'Microsoft.DocumentDB/databaseAccounts@2026-03-15' = {
  name: accountName
  location: location
  tags: tags
  kind: 'GlobalDocumentDB'
  properties: {
    databaseAccountOfferType: 'Standard'
    capabilities: capacity == 'serverless' ? [{ name: 'EnableServerless' }] : []
    // A fence holds only when every read sees every acknowledged write, and one region decides who won a
    // conditional write. The coordinator refuses an account with less (shared/store/cosmos-account.ts).
    consistencyPolicy: { defaultConsistencyLevel: 'Strong' }
    enableMultipleWriteLocations: false
    locations: [{ locationName: location, failoverPriority: 0, isZoneRedundant: zoneRedundant }]
    disableLocalAuth: true
    disableKeyBasedMetadataWriteAccess: true
    minimalTlsVersion: 'Tls12'
    publicNetworkAccess: publicNetworkAccess
    networkAclBypass: 'None'
    backupPolicy: {
      type: 'Continuous'
      continuousModeProperties: { tier: 'Continuous7Days' }
    }
  }
}

resource database 'Microsoft.DocumentDB/databaseAccounts/sqlDatabases@2026-03-15' = {
  parent: account
  name: databaseName
  properties: {
    resource: { id: databaseName }
    options: capacity == 'autoscale' ? { autoscaleSettings: { maxThroughput: autoscaleMaxThroughput } } : {}
  }
}

resource container 'Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers@2026-03-15' = [
  for definition in containers: {
    parent: database
    name: definition.id
    properties: { resource: definition }
  }
]

resource mayUseDocuments 'Microsoft.DocumentDB/databaseAccounts/sqlRoleAssignments@2026-03-15' = {
  parent: account
  name: guid(database.id, identityName, dataContributor)
  properties: {
    principalId: principalId
    roleDefinitionId: '${account.id}/sqlRoleDefinitions/${dataContributor}'
    scope: '${account.id}/dbs/${database.name}'
  }
}

output accountId string = account.id
output endpoint string = account.properties.documentEndpoint
