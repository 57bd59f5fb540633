/** docs/access.md shows what to register: is it what the code reads, and what Entra ID takes? */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { z } from "zod";

const page = readFileSync("docs/access.md", "utf8");
const appRoles = z
  .array(
    z.strictObject({
      id: z.guid(),
      value: z.string().max(120),
      displayName: z.string().min(1),
      description: z.string().min(1),
      allowedMemberTypes: z.array(z.enum(["User", "Application"])).min(1),
      isEnabled: z.literal(true),
    }),
  )
  .parse(JSON.parse(/```json\n([\s\S]*?)```/.exec(page)?.[1] ?? ""));

describe("the app roles in docs/access.md", () => {
  it("are those that the code knows, and one of a product", () => {
    const known = readFileSync("shared/auth/entra.ts", "utf8");
    const values = [...known.matchAll(/"(Fleet\.\w+)"/g)].map(([, value]) => value);
    expect(appRoles.map(({ value }) => value)).toEqual([...values, "Fleet.Product.web"]);
  });

  it("have an id of their own each", () => {
    expect(new Set(appRoles.map(({ id }) => id)).size).toBe(appRoles.length);
  });
});

it("docs/access.md leads to files that exist", () => {
  const links = [...page.matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, link = ""]) => link);
  expect(links.length).toBeGreaterThan(0);
  for (const link of links) expect(() => readFileSync(`docs/${link}`)).not.toThrow();
});
