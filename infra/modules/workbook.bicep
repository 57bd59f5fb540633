metadata description = 'The fleet at a glance, in the portal under Azure Monitor.'

param location string
param tags object
param workspaceId string

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(resourceGroup().id, 'fleet-workbook')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: 'fleet'
    category: 'workbook'
    version: 'Notebook/1.0'
    sourceId: workspaceId
    // The file names no subscription, so the workspace is put in here.
    serializedData: replace(loadTextContent('../workbook.json'), '__WORKSPACE_ID__', workspaceId)
  }
}
