/** Where the bytes of artifacts are: an account of our own, or the storage emulator. */
import { z } from "zod";

/** Pairs as the Azure SDKs read them: a value may hold "=", as base64 does, but no ";". */
const CONNECTION_STRING = /^(?:[A-Za-z]+=[^;\s]+)(?:;[A-Za-z]+=[^;\s]+)*;?$/;
const ENDPOINT = /^https:\/\/[^/?#@\s]+(?:\/[a-z0-9]+)?\/?$/;
/** The account of Azurite and of its elders. */
const EMULATOR_ACCOUNT = "devstoreaccount1";

const endpoint = z.string().refine((given) => ENDPOINT.test(given) && URL.canParse(given), {
  error: "must be https://<account>.blob.core.windows.net/ or the like, without a signature",
});

const connectionString = z.string().refine(isConnectionString, {
  error: "must be a connection string of a storage account, or UseDevelopmentStorage=true",
});

/** `AzureWebJobsStorage` is the Functions host's own; artifacts use it only where it names the emulator. */
export const blobs = z.object({
  BLOB_ENDPOINT: endpoint.optional(),
  AzureWebJobsStorage: connectionString.optional(),
});

export type BlobSettings =
  | { readonly kind: "identity"; readonly endpoint: string }
  | { readonly kind: "emulator"; readonly connectionString: string };

/**
 * What was set, as `Settings` has it. A real account's connection string is left to the Functions host: its
 * key would sign for everything in the account, for ever.
 */
export function blobsOf(given: z.infer<typeof blobs>): { blobs?: BlobSettings } {
  if (given.BLOB_ENDPOINT !== undefined)
    return { blobs: { kind: "identity", endpoint: given.BLOB_ENDPOINT } };
  const text = given.AzureWebJobsStorage;
  return text !== undefined && isEmulator(text)
    ? { blobs: { kind: "emulator", connectionString: text } }
    : {};
}

function isConnectionString(text: string): boolean {
  if (!CONNECTION_STRING.test(text)) return false;
  const pairs = pairsOf(text);
  if (pairs.has("UseDevelopmentStorage")) return pairs.get("UseDevelopmentStorage") === "true";
  const blobEndpoint = pairs.get("BlobEndpoint");
  const isUrl = blobEndpoint === undefined || /^https?:\/\/[^/?#@]+/.test(blobEndpoint);
  const account = pairs.has("AccountName") && /^[A-Za-z0-9+/]+={0,2}$/.test(pairs.get("AccountKey") ?? "");
  return isUrl && (account || pairs.has("SharedAccessSignature"));
}

function isEmulator(text: string): boolean {
  const pairs = pairsOf(text);
  if (pairs.has("UseDevelopmentStorage")) return true;
  return pairs.get("AccountName") === EMULATOR_ACCOUNT && pairs.has("BlobEndpoint");
}

function pairsOf(text: string): ReadonlyMap<string, string> {
  const pairs = text.split(";").filter((pair) => pair !== "");
  return new Map(pairs.map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]));
}
