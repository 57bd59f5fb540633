import { parseArgs } from "node:util";
import { apiKeyEntry } from "../shared/settings-keys.js";
import { problemsOf } from "../shared/settings.js";
import { hashOf, newKey } from "./keys.js";

const USAGE =
  "Usage: npm run keys:new -- --name ci --products a,b --roles submit,read [--factory-ids x,y]\n" +
  "       roles: submit, factory, read, admin; --products '*' is every product\n";

export type MakeKeyOutcome =
  { readonly kind: "made"; readonly text: string } | { readonly kind: "refused"; readonly text: string };

/** A new key with its entry, as text; or what is wrong with the arguments. */
export function makeKey(args: readonly string[]): MakeKeyOutcome {
  const key = newKey();
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        name: { type: "string" },
        products: { type: "string" },
        roles: { type: "string" },
        "factory-ids": { type: "string" },
      },
    });
    const entry = apiKeyEntry.safeParse({
      name: values.name,
      sha256: hashOf(key),
      products: values.products?.split(","),
      roles: values.roles?.split(","),
      factoryIds: values["factory-ids"]?.split(","),
    });
    if (entry.success) return { kind: "made", text: present(key, JSON.stringify(entry.data)) };
    const lines = problemsOf(entry.error).map(({ name, message }) => `--${optionOf(name)}: ${message}\n`);
    return { kind: "refused", text: lines.join("") + USAGE };
  } catch (error) {
    return { kind: "refused", text: `${error instanceof Error ? error.message : String(error)}\n${USAGE}` };
  }
}

function present(key: string, entry: string): string {
  return `Key, shown this once:\n${key}\nEntry for the array in FLEET_API_KEYS:\n${entry}\n`;
}

function optionOf(property: string): string {
  return property === "factoryIds" ? "factory-ids" : property;
}
