/** No file of the repository holds a credential, but for the keys that every emulator of its kind has. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

/** Published, and the same on every machine. */
const WELL_KNOWN = [
  // Azurite's account devstoreaccount1.
  "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==",
  // The emulator of Cosmos DB.
  "C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEHLM+4QDU5DE2nQ9nDuVTqobD4b8mGgyPMbIZnqyMsEcaGQy67XIw/Jw==",
  // No key: the digest of the Bicep compiler, in infra/check/bicep.ts.
  "kBnX0iG9wd/PWdCTwFfUvm6Jemn+5L7sY7b7HQi5k+LLwdFmrbw4y5RTLFxewCFMdBqUThiOILMa7sgzklPEAQ==",
];

const KINDS: Readonly<Record<string, RegExp>> = {
  "an API key": /\bfleet_[A-Za-z0-9_-]{43}\b/g,
  "the key of an account": /(?<!sha512-)(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{86}==/g,
  "a connection string":
    /\b(?:AccountKey|SharedAccessKey|SharedAccessSignature|ClientSecret)=[\w+/%-]{16,}=*/gi,
  "a signed URL": /[?&]sig=[\w%+/-]{30,}/g,
  "a signed token": /\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{20,}/g,
  "a private key": /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]{40}/g,
  "a token of a forge or a registry":
    /\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_\w{40,}|npm_[A-Za-z0-9]{36})\b/g,
  "a key of AWS": /\bAKIA[A-Z0-9]{16}\b/g,
};

/** What looks like a credential in a text, with what it looks like. */
function secretsIn(text: string): string[] {
  return Object.entries(KINDS).flatMap(([kind, pattern]) =>
    [...text.matchAll(pattern)]
      .filter(([found]) => !WELL_KNOWN.some((key) => found.includes(key)))
      .map(([found]) => `${kind}: ${found.slice(0, 12)}…`),
  );
}

const files = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
  encoding: "utf8",
})
  .split("\0")
  .filter((file) => file !== "");

describe("the repository", () => {
  it("holds no credential", () => {
    expect(files.length).toBeGreaterThan(300);
    const found = files.flatMap((file) => {
      // Latin-1: every byte is a character, so that binary files are looked through, too.
      const text = readFileSync(file, "latin1");
      return secretsIn(text).map((secret) => `${file}: ${secret}`);
    });
    expect(found).toEqual([]);
  });

  it.each([
    ["an API key", `FLEET_KEY=fleet_${"aB3-".repeat(11).slice(0, 43)}`],
    ["the key of an account", `"${"aB3+".repeat(22).slice(0, 86)}=="`],
    ["a connection string", `DefaultEndpointsProtocol=https;AccountName=x;AccountKey=${"aB3+".repeat(8)}=`],
    ["a signed URL", `https://x.blob.core.windows.net/c/b?sv=1&sig=${"aB3".repeat(14)}%3D`],
    ["a signed token", `eyJ${"a".repeat(20)}.eyJ${"b".repeat(20)}.${"c".repeat(43)}`],
    ["a private key", ["-----BEGIN", "PRIVATE KEY-----", "aB3+".repeat(16)].join(" ")],
  ])("would be found to hold %s", (kind, text) => {
    expect(secretsIn(text).map((found) => found.split(":")[0])).toContain(kind);
  });
});
