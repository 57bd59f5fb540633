/**
 * The alerts and the workbook ask for decisions by name, and a query that asks for a name which nobody
 * writes any more answers nothing, for ever, without a word. So each is held to the closed list.
 */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { DECISION_FIELDS } from "../../shared/schema/decision.js";

interface Query {
  readonly name: string;
  readonly text: string;
}

const workbook = z.object({ items: z.array(z.object({ name: z.string(), content: z.unknown() })) });
const asking = z.object({ query: z.string() });
const parameters = z.object({ parameters: z.array(z.unknown()) });

const alerts: Query[] = readdirSync("infra/queries").map((file) => ({
  name: file,
  text: readFileSync(join("infra/queries", file), "utf8"),
}));
const panels: Query[] = workbook
  .parse(JSON.parse(readFileSync("infra/workbook.json", "utf8")))
  .items.flatMap(({ name, content }) => {
    const within = parameters.safeParse(content).data?.parameters ?? [content];
    return within.flatMap((each) => {
      const found = asking.safeParse(each);
      return found.success ? [{ name: `workbook: ${name}`, text: found.data.query }] : [];
    });
  });
const queries = [...alerts, ...panels];
const aboutDecisions = queries.filter(
  ({ text }) => text.startsWith("AppTraces") || text.includes("\nAppTraces"),
);

/** The decisions that a query selects: `d.decision == "x"` and `tostring(d.decision) in ("x", "y")`. */
function decisionsIn(text: string): readonly string[] {
  const lists = [...text.matchAll(/d\.decision\)? (?:==|in) (\("[^)]+"\)|"[^"]+")/g)];
  return lists.flatMap(([, list = ""]) => [...list.matchAll(/"([^"]+)"/g)].map(([, name = ""]) => name));
}

/** The fields that it names beside. */
function fieldsIn(text: string): readonly string[] {
  return [...text.matchAll(/\bd\.([A-Za-z]+)/g)].flatMap(([, name = ""]) =>
    name === "decision" ? [] : [name],
  );
}

describe("the queries", () => {
  it("are all there, and all read", () => {
    expect(alerts).toHaveLength(5);
    expect(panels.map(({ name }) => name)).toEqual(
      ["parameters", "queue-depth", "oldest-queued", "claims", "live-leases", "claim-latency", "waiting-time"]
        .concat(["conflicts", "fenced", "expiries", "reaper", "cost", "failures"])
        .map((name) => `workbook: ${name}`),
    );
    expect(aboutDecisions).toHaveLength(queries.length - 2);
  });

  it.each(alerts)("$name is what an alert asks", ({ name }) => {
    const template = readFileSync("infra/modules/alerts.bicep", "utf8");
    expect(template.split(`'../queries/${name}'`)).toHaveLength(2);
  });

  it.each(aboutDecisions)("$name parses decisions alone, as they are written", ({ text }) => {
    expect(text).toContain(`| where Message startswith '{"decision":'\n| extend d = parse_json(Message)\n`);
    // One way to name a field, so that the tests below miss none.
    expect(text).not.toMatch(/\bd\[|parse_json\((?!Message\))|extract|bag_|customDimensions|Properties/);
  });

  it.each(aboutDecisions)("$name names decisions of the closed list", ({ text }) => {
    const named = decisionsIn(text);
    expect(named).not.toEqual([]);
    // A dynamic value compares with a text by ==, and must be one for `in`.
    expect(text.replaceAll("tostring(d.decision)", "")).not.toMatch(/d\.decision(?! == ")/);
    for (const name of named) expect([...DECISION_FIELDS.keys()]).toContain(name);
  });

  it.each(aboutDecisions)("$name names fields that its decisions have", ({ text }) => {
    const has = decisionsIn(text).flatMap((name) => DECISION_FIELDS.get(name) ?? []);
    for (const field of fieldsIn(text)) expect(has).toContain(field);
  });

  it("name requests by functions that are registered", () => {
    for (const { text } of queries) {
      for (const [, name = ""] of text.matchAll(/\bName == "([^"]+)"/g)) {
        expect(readFileSync(`functions/${name}.ts`, "utf8")).toContain(`name: "${name}"`);
      }
    }
  });
});

describe("what an alert compares", () => {
  const template = readFileSync("infra/modules/alerts.bicep", "utf8");
  const rules = [...template.matchAll(/queries\/([\w-]+\.kql)'\)\s+measure: '(\w+)'[^}]*?\}/g)];

  it("is said of each query", () => {
    expect(rules).toHaveLength(alerts.length);
  });

  it.each(rules.map(([rule = "", file = "", measure = ""]) => ({ rule, file, measure })))(
    "$file: $measure is a column of its last line, and so is what tells alerts apart",
    ({ rule, file, measure }) => {
      const last = readFileSync(join("infra/queries", file), "utf8").trim().split("\n").at(-1) ?? "";
      expect(last).toMatch(new RegExp(`\\b${measure}\\b`));
      const dimension = /dimension: '(\w+)'/.exec(rule)?.[1];
      if (dimension !== undefined) expect(last).toMatch(new RegExp(`\\b${dimension}\\b`));
    },
  );
});

describe("the log", () => {
  it("is not thinned out: a tick of the reaper that was sampled away would look like silence", () => {
    const host = readFileSync("host.json", "utf8");
    expect(host).toMatch(/"excludedTypes": "[^"]*\bTrace\b/);
  });
});
