using 'main.bicep'

// azd passes the values of its environment: azd env set FLEET_API_KEYS '[…]'. What has a default in
// main.bicep is named here only where it is meant to be set that way.
param environmentName = readEnvironmentVariable('AZURE_ENV_NAME', 'fleet')
param location = readEnvironmentVariable('AZURE_LOCATION', 'swedencentral')
param apiKeys = readEnvironmentVariable('FLEET_API_KEYS', '')
param entraTenantId = readEnvironmentVariable('ENTRA_TENANT_ID', '')
param entraAudience = readEnvironmentVariable('ENTRA_AUDIENCE', '')
