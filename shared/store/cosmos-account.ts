/** What has to be true of a Cosmos DB account before the fleet trusts it, and the making of an emulator's containers. */
import type { ContainerRequest, CosmosClient } from "@azure/cosmos";
import { StoreMisconfigured } from "../core/ports/store.js";
import { containers } from "../schema/containers.js";
import { statusOf } from "./cosmos-errors.js";

/** The part of the SDK's DatabaseAccount that decides. */
export interface AccountReport {
  readonly consistencyPolicy: string;
  readonly enableMultipleWritableLocations: boolean;
  readonly writableLocations?: readonly unknown[];
}

/**
 * What is wrong with an account, or undefined. The protocol needs reads that see every acknowledged
 * write from any instance (Strong; Session keeps that only within one client), and conditional writes
 * that one region decides (with several, both of two writers under one etag win).
 */
export function accountFault(account: AccountReport): string | undefined {
  if (account.enableMultipleWritableLocations || (account.writableLocations?.length ?? 1) > 1) {
    return "the Cosmos DB account has several write regions; it must have one";
  }
  if (account.consistencyPolicy !== "Strong") {
    return `the Cosmos DB account's default consistency is ${account.consistencyPolicy}; it must be Strong`;
  }
  return undefined;
}

/** Throws `StoreMisconfigured` when the account that `client` speaks to must not be trusted. */
export async function checkAccount(client: CosmosClient): Promise<void> {
  const { resource } = await client.getDatabaseAccount();
  if (resource === undefined) throw new Error("Cosmos DB did not describe the account");
  const fault = accountFault(resource);
  if (fault !== undefined) throw new StoreMisconfigured(fault);
}

/** Creates the database and the containers that are missing. Two processes may do so at once. */
export async function createContainers(client: CosmosClient, databaseId: string): Promise<void> {
  await unlessThere(client.databases.create({ id: databaseId }));
  for (const definition of containers) {
    // Its SDK types write "Hash" and "ascending" as enums; the words are the same.
    await unlessThere(client.database(databaseId).containers.create(definition as ContainerRequest));
  }
}

async function unlessThere(creation: Promise<unknown>): Promise<void> {
  try {
    await creation;
  } catch (error) {
    if (statusOf(error) !== 409) throw error;
  }
}
