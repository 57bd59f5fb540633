/**
 * `FLEET_API_KEYS`: keys that may call, of which only hashes are known.
 *
 * What can be seen to be a mistake stops the start. A hash says little of its key, but of some keys
 * everybody knows the hash: those of the empty text and of words that stand in examples. A problem names an
 * entry by its place in the array, never by its hash, and no entry's name, for it may be a key by mistake.
 */
import { createHash } from "node:crypto";
import { z } from "zod";
import { id } from "./schema/primitives.js";
import { say, text } from "./settings-text.js";

/** Keys of one coordinator, and grants of one key: far above need, low enough to notice a runaway script. */
const ENTRIES_MAX = 1000;
/** Keys of one name: the old one, and the new one that takes its place. A third is one that was forgotten. */
const LIVE_KEYS_MAX = 2;

/** Keys that anybody would try. A shell's own mistakes are among them: the hash of nothing, and of an empty line. */
const WELL_KNOWN: ReadonlySet<string> = new Set(
  [
    ...["", "\n", "\r\n", " ", "null", "undefined", "key", "<key>", "$KEY", "apikey", "api-key", "api_key"],
    ...["token", "secret", "s3cret", "password", "passw0rd", "changeme", "change-me", "default", "example"],
    ...["test", "testing", "test-key", "dev", "dev-key", "development", "demo", "local", "localhost", "ci"],
    ...["admin", "root", "user", "fleet", "fleet_", "fleet-key", "submit", "factory", "read", "ops"],
    ...["0", "1", "123", "1234", "12345", "123456", "12345678", "123456789", "1234567890", "abc", "abc123"],
    ...["a", "x", "foo", "bar", "hello", "qwerty", "letmein"],
  ].flatMap((word) => [word, `${word}\n`].map(sha256)),
);

function sha256(key: string): string {
  return createHash("sha256").update(key, "utf8").digest("hex");
}

function unique(list: readonly string[]): boolean {
  return new Set(list).size === list.length;
}

function listOf<T extends z.ZodType<string>>(item: T, what: string) {
  const error = `must name ${what} once each, from 1 to ${ENTRIES_MAX} of them`;
  const list = z.array(item, say(`must be a list of ${what}`));
  return list.min(1, error).max(ENTRIES_MAX, error).refine(unique, error);
}

const roles = ["submit", "factory", "read", "admin"] as const;
/**
 * A key that may call, as `FLEET_API_KEYS` holds it. Two keys may share a `name` while one replaces the
 * other; `sha256` is over the key's UTF-8 bytes; `products` may be exactly `["*"]`, every product; without
 * `factoryIds` it acts for any factory. No list is empty.
 */
export const apiKeyEntry = z
  .strictObject({
    name: z.string(say("must be text")).pipe(id),
    sha256: text(/^[0-9a-f]{64}$/, "must be 64 lower-case hex digits").refine(
      (hash) => !WELL_KNOWN.has(hash),
      "must not be the hash of a key that anybody would try; npm run keys:new makes one",
    ),
    products: listOf(z.union([z.literal("*"), id], "must be a product id, or *"), "products").refine(
      (list) => list.length === 1 || !list.includes("*"),
      'must be ["*"] alone, or names',
    ),
    roles: listOf(z.enum(roles, `must be one of ${roles.join(", ")}`), "roles"),
    factoryIds: listOf(z.string("must be a factory id").pipe(id), "factories").optional(),
  })
  .readonly();
export type ApiKey = z.infer<typeof apiKeyEntry>;

/** The setting's text as keys. */
export const apiKeys = z
  .string(say("must be text"))
  .transform((text, context): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      // The parser's own message quotes the text.
      context.addIssue({ code: "custom", message: "must be JSON" });
      return z.NEVER;
    }
  })
  .pipe(
    z
      .array(apiKeyEntry, "must be a JSON array of keys")
      .min(1, "must hold at least one key")
      .max(ENTRIES_MAX, `must hold at most ${ENTRIES_MAX} keys`)
      .superRefine((keys, context) => {
        for (const { entry, property, message } of contradictions(keys)) {
          context.addIssue({ code: "custom", path: [entry, property], message });
        }
      }),
  );

interface Contradiction {
  readonly entry: number;
  readonly property: keyof ApiKey;
  readonly message: string;
}

/** Where an entry can't stand beside an earlier one. */
function contradictions(keys: readonly ApiKey[]): readonly Contradiction[] {
  return keys.flatMap((key, entry): Contradiction[] => {
    const earlier = keys.slice(0, entry);
    const twin = earlier.findIndex((other) => other.sha256 === key.sha256);
    if (twin >= 0) return [{ entry, property: "sha256", message: `must not be that of entry ${twin}` }];
    const namesakes = earlier.filter((other) => other.name === key.name);
    const says = (message: string): Contradiction[] => [{ entry, property: "name", message }];
    if (namesakes.length >= LIVE_KEYS_MAX)
      return says(`must not be that of ${LIVE_KEYS_MAX} other entries; take the oldest away`);
    if (namesakes.every((other) => grantsOf(other) === grantsOf(key))) return [];
    return says("is another entry's, whose products, roles or factoryIds are not the same");
  });
}

/** What a key may do, as text that is the same for the same grants in another order. */
function grantsOf({ products, roles, factoryIds }: ApiKey): string {
  return JSON.stringify([products, roles, factoryIds ?? null].map((list) => list?.toSorted() ?? null));
}
