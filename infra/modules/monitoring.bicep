metadata description = 'Where the logs go. They are accepted from identities alone.'

param workspaceName string
param componentName string
param location string
param tags object

@description('How long logs are kept, in days. The first 30 cost nothing.')
@minValue(30)
@maxValue(730)
param retentionDays int

@description('The most that is taken in per day, in gigabytes; what is over is lost. -1: no bound.')
param dailyQuotaGb int

@description('Who may send telemetry.')
param principalId string

@description('Its name, which the names of role assignments are made of: unlike the id, it is known beforehand.')
param identityName string

// Built in: Monitoring Metrics Publisher. Application Insights asks for it, whatever is sent.
var metricsPublisher = '3913510d-42f4-4e42-8a64-420c390055eb'

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-02-01' = {
  name: workspaceName
  location: location
  tags: tags
  properties: {
    sku: { name: 'PerGB2018' }
    retentionInDays: retentionDays
    workspaceCapping: { dailyQuotaGb: dailyQuotaGb }
    features: { disableLocalAuth: true, enableLogAccessUsingOnlyResourcePermissions: true }
  }
}

resource component 'Microsoft.Insights/components@2020-02-02' = {
  name: componentName
  location: location
  tags: tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: workspace.id
    IngestionMode: 'LogAnalytics'
    DisableLocalAuth: true
  }
}

resource mayPublish 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: component
  name: guid(component.id, identityName, metricsPublisher)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', metricsPublisher)
  }
}

output workspaceId string = workspace.id
@description('It says where telemetry goes. It opens nothing: the component takes no key.')
output connectionString string = component.properties.ConnectionString
