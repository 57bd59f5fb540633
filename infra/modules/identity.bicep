metadata description = 'Who the coordinator is. It signs in with this identity everywhere, so nothing holds a key.'

param name string
param location string
param tags object

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: name
  location: location
  tags: tags
}

output id string = identity.id
@description('AZURE_CLIENT_ID: of several identities, the one that @azure/identity is to use.')
output clientId string = identity.properties.clientId
output principalId string = identity.properties.principalId
