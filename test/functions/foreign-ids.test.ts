/**
 * What belongs to another product is, to whoever asks, what does not exist: the same answer, after the same
 * calls of the store. Every file of functions/ that is a route is in it, with the store watched from below.
 */
import { readdirSync } from "node:fs";
import azf from "@azure/functions";
import type { InvocationContext } from "@azure/functions";
import { expect, it } from "vitest";
import { handlerOf } from "../../functions/http/pipeline.js";
import type { Route } from "../../functions/http/route.js";
import { patch } from "../../shared/core/patch.js";
import type { Blobs } from "../../shared/core/ports/blobs.js";
import type { Store } from "../../shared/core/ports/store.js";
import { putProfile } from "../../shared/core/profiles.js";
import { submit } from "../../shared/core/submit.js";
import { submission } from "../../shared/schema/requests.js";
import { FACTORY, GUARDED } from "../support/http-routes.js";
import { onEachStore } from "../support/on-each-store.js";
import { aFactory, aJob, aWorld, mustClaim } from "../support/world.js";

const THEIRS = "umbrella";

/** Places for artifacts that are there, and never asked. */
const BLOBS: Blobs = {
  ready: () => Promise.resolve(),
  uploadTo: () => Promise.reject(new Error("asked for a place")),
  downloadOf: () => Promise.reject(new Error("asked for a place")),
  look: () => Promise.reject(new Error("looked")),
  sha256: () => Promise.reject(new Error("read")),
  deleteJobArtifacts: () => Promise.reject(new Error("deleted")),
};

/** The routes in functions/ that need a credential, by name. */
async function everyRoute(): Promise<ReadonlyMap<string, Route>> {
  const files = readdirSync("functions").filter((file) => file.endsWith(".ts") && file !== "main.ts");
  const routes = files.map(async (file) => {
    const name = file.slice(0, -".ts".length);
    const module = (await import(`../../functions/${name}.ts`)) as Record<string, Partial<Route>>;
    return Object.values(module).flatMap((found): [string, Route][] =>
      found.name === name && found.role !== undefined && found.role !== "anyone"
        ? [[name, found as Route]]
        : [],
    );
  });
  return new Map((await Promise.all(routes)).flat());
}

/** Ids of one job, factory, profile and key: of another product, or of nobody. */
interface Ids {
  readonly job: string;
  readonly factory: string;
  readonly profile: string;
  readonly key: string;
}
const NOBODYS: Ids = { job: "nobody-1", factory: "nobody-2", profile: "nobody-3", key: "nobody-4" };

/** Their product, with one of each. The job is held at epoch 1, so that all but its product is right. */
async function theirs(store: Store): Promise<Ids> {
  const world = aWorld(store, { name: "theirs" });
  await putProfile(world.fleet, THEIRS, "careful", { model: "opus" });
  await aFactory(world, FACTORY, {}, THEIRS);
  const job = await aJob(world, { idempotencyKey: "their-key", kind: "composite" }, THEIRS);
  const claimed = await mustClaim(world, FACTORY, THEIRS);
  expect(claimed.job.id).toBe(job.id);
  await patch(world.fleet, THEIRS, job.id, { factoryId: FACTORY, leaseEpoch: 1, stage: "building" });
  const child = submission.parse({ idempotencyKey: "their-child", bodyMd: "", parentId: job.id });
  await submit(world.fleet, THEIRS, child);
  return { job: job.id, factory: FACTORY, profile: "careful", key: "their-key" };
}

/** What a request says beside what is fine anyway. */
interface Variant {
  readonly query?: string;
  readonly body?: Readonly<Record<string, unknown>>;
}

/** Ids that stand elsewhere than in the path, by route. */
const ELSEWHERE: Readonly<Record<string, (ids: Ids) => readonly Variant[]>> = {
  "submit-job": ({ job, profile, key }) => [
    { body: { deps: [job] } },
    { body: { deps: [`key:${key}`] } },
    { body: { parentId: job } },
    { body: { parentId: `key:${key}` } },
    { body: { profile } },
    { body: { idempotencyKey: key } },
  ],
  "submit-batch": ({ job, key }) => [
    { body: { jobs: [{ idempotencyKey: "k", bodyMd: "", deps: [job] }] } },
    { body: { jobs: [{ idempotencyKey: "k", bodyMd: "", deps: [`key:${key}`] }] } },
  ],
  "list-jobs": ({ job, key }) => [
    { query: `?parentId=${job}` },
    { query: `?parentId=key:${key}` },
    { query: `?idempotencyKey=${key}` },
  ],
  "bulk-jobs": ({ job, key }) => [
    { body: { filter: { parentId: job } } },
    { body: { filter: { parentId: `key:${key}` } } },
  ],
  claim: ({ factory }) => [{ body: { factoryId: factory } }],
  heartbeat: ({ factory }) => [{ body: { factoryId: factory } }],
};

/** What stands for the parameter of a path. A path that is about something else must be told of here. */
function idIn(path: string, ids: Ids): string {
  if (path.startsWith("/fleet/jobs/{id}")) return ids.job;
  if (path === "/fleet/factories/{id}") return ids.factory;
  if (path === "/fleet/profiles/{name}") return ids.profile;
  throw new Error(`${path}: what is its parameter?`);
}

/** SHA-256 as jobs have it: in their ids and content hashes; and, in 22 characters, of remembered operations. */
const HASHES = /\bj?[\w-]{43}(?=\\*")|(?<=\b(?:op|body)\\*":\\*")[\w-]{22}(?=\\*")/g;

let askers = 0;
/** The answer to somebody of a product that holds nothing, with the calls of the store that led to it. */
async function ask(store: Store, route: Route, ids: Ids, { query = "", body }: Variant) {
  const product = `product-${++askers}`;
  const told: string[] = [];
  const watched = new Proxy(store, {
    get: (target, name: keyof Store) => {
      const method = Reflect.get(target, name) as (...args: unknown[]) => unknown;
      return (...args: unknown[]) => {
        told.push(JSON.stringify([name, ...args]));
        return method.apply(target, args);
      };
    },
  });
  const { fleet } = aWorld(watched, { name: `asker-${askers}`, blobs: BLOBS });
  const write = (line: string): void => void told.push(line);
  const context = { info: write, warn: write, error: write } as unknown as InvocationContext;
  const inPath = route.path.includes("{") ? idIn(route.path, ids) : "";
  const sent = GUARDED[route.name]?.body && { ...GUARDED[route.name]?.body, ...body };
  const request = new azf.HttpRequest({
    method: route.method,
    url: `http://localhost${route.path.replace(/\{\w+\}/, inPath)}${query}`,
    headers: { authorization: "Bearer key", "x-product-id": product, "content-type": "application/json" },
    params: { id: inPath, name: inPath },
    ...(sent === undefined ? {} : { body: { string: JSON.stringify(sent) } }),
  });
  const handler = handlerOf(route, {
    clock: { now: () => 0 },
    ids: { unique: () => "request" },
    pause: () => Promise.resolve(),
    misconfigured: undefined,
    // SHA-256 of "key".
    credentials: [
      {
        name: "asker",
        sha256: "2c70e12b7a0646f92279f427c7b38e7334d8e5389cff167a1dc30e73f826b683",
        products: [product],
        roles: ["admin"],
      },
    ],
    routes: [route],
    fleet: () => Promise.resolve(fleet),
  });
  const answer = await handler(request, context);
  // Whoever asks has a product and ids of their own; hashes, and a job's id, are made of such.
  const alike = (value: unknown): string =>
    [product, `asker-${askers}`, ids.job, ids.profile, ids.key]
      .reduce((text, own) => text.replaceAll(own, "*"), JSON.stringify(value))
      .replaceAll(ids.factory, "*")
      .replaceAll(HASHES, "#");
  return { status: answer.status, answer: alike(answer), told: told.map(alike) };
}

const routes = await everyRoute();

it("every route is looked at", () => {
  expect([...routes.keys()].toSorted()).toEqual(Object.keys(GUARDED).toSorted());
  for (const { path } of routes.values())
    if (path.includes("{")) expect(idIn(path, NOBODYS)).toContain("nobody");
});

const CASES = [...routes.values()].flatMap((route) => {
  const elsewhere = ELSEWHERE[route.name]?.(NOBODYS) ?? [];
  const inPath = route.path.includes("{") ? [{ route, variant: -1, says: "in the path" }] : [];
  const others = elsewhere.map((given, variant) => ({ route, variant, says: JSON.stringify(given) }));
  return [...inPath, ...others];
});

onEachStore("ids of another product", (open) => {
  it.each(CASES)("$route.name answers as if there were none: $says", async ({ route, variant }) => {
    const store = await open();
    const ids = await theirs(store);
    const given = (of: Ids): Variant => ELSEWHERE[route.name]?.(of)[variant] ?? {};
    const nobodys = await ask(store, route, NOBODYS, given(NOBODYS));
    const foreign = await ask(store, route, ids, given(ids));
    expect(foreign).toEqual(nobodys);
    expect(nobodys.told.length).toBeGreaterThan(0);
  });
});
