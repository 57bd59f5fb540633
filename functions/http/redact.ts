/**
 * The last line of defence of the log: whatever looks like a credential goes. Nothing of ours writes one, but an
 * error of a store, of an SDK or of a proxy in between may quote the request that failed.
 */

/** What comes before the secret stays, so that a reader sees what kind it was. */
const SECRETS: readonly RegExp[] = [
  // Connection strings.
  /\b(?<kind>(?:AccountKey|SharedAccessKey|SharedAccessSignature|InstrumentationKey|ClientSecret|Password)=)[^;\s"'&]+/gi,
  // Signatures of URLs, and of Cosmos DB's own authorization, in which they may be encoded.
  /(?<kind>(?:\b|%26|%3f)sig(?:=|%3d))[^&\s"']+/gi,
  /(?<kind>\bBearer\s+)[^\s"']{8,}/gi,
  /(?<kind>\bfleet_)[\w-]{43}/g,
  // Signed tokens: a header that begins as JSON does.
  /(?<kind>\b)eyJ[\w-]{5,}\.[\w-]+\.[\w-]*/g,
  // Keys of accounts: 64 bytes in base64.
  /(?<kind>)[A-Za-z0-9+/]{86}==/g,
];

/** The text without what looks like a credential. */
export function redact(text: string): string {
  return SECRETS.reduce((rest, secret) => rest.replaceAll(secret, "$<kind>[secret]"), text);
}
