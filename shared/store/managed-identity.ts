import { DefaultAzureCredential } from "@azure/identity";

/**
 * The identity that Azure gives the app, or whoever is logged in on a developer's machine. Asks nobody
 * before a token is needed. A file of its own, so that it is loaded where there is no key, and so
 * that a bundle takes this credential out of the library and leaves the others. `clientId` tells which
 * of the app's identities, where it has several.
 */
export function managedIdentity(clientId?: string): DefaultAzureCredential {
  return new DefaultAzureCredential(clientId === undefined ? {} : { managedIdentityClientId: clientId });
}
