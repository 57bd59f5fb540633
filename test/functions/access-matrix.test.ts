/** Who may call what: every function that is registered, by everybody there is, with the exact status. */
import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { withAzurite } from "../support/azurite.js";
import { startApp } from "../support/http-app.js";
import type { HttpApp } from "../support/http-app.js";
import { aHeartbeat, aSubmission } from "../support/http-fleet.js";
import { FACTORY, GUARDED, OPEN } from "../support/http-routes.js";
import { anIssuer } from "../support/issuer.js";
import type { Issuer } from "../support/issuer.js";

const EVERY_ROLE = ["submit", "factory", "read", "admin"];
/** Keys by what they may do, in every product unless named. */
const KEYS = [
  ...EVERY_ROLE.map((role) => ({ name: role, roles: [role], products: ["*"] })),
  { name: "elsewhere", roles: EVERY_ROLE, products: ["elsewhere"] },
  { name: "boundHere", roles: EVERY_ROLE, products: ["*"], factoryIds: [FACTORY] },
  { name: "boundElsewhere", roles: EVERY_ROLE, products: ["*"], factoryIds: ["elsewhere"] },
].map((entry) => ({ ...entry, sha256: createHash("sha256").update(`key-of-${entry.name}`).digest("hex") }));

/**
 * One row per function, one column per caller: nobody, a credential that is not known, one key for each role,
 * an admin of another product, and whoever may do all, but for the request's factory or for another one
 * only. A function without a row fails the test below.
 */
const [HEAD, ...TABLE] = `
  function        nobody unknown submit factory read admin elsewhere boundHere boundElsewhere
  submit-job      401    401     201    403     403  201   403       201       201
  submit-batch    401    401     200    403     403  200   403       200       200
  list-jobs       401    401     403    403     200  200   403       200       200
  get-job         401    401     403    403     200  200   403       200       200
  patch-job       401    401     403    200     403  200   403       200       403
  cancel-job      401    401     200    403     403  200   403       200       200
  redrive-job     401    401     200    403     403  200   403       200       200
  bulk-jobs       401    401     200    403     403  200   403       200       200
  claim           401    401     403    200     403  200   403       200       403
  renew-lease     401    401     403    200     403  200   403       200       403
  release-lease   401    401     403    200     403  200   403       200       403
  heartbeat       401    401     403    200     403  200   403       200       403
  list-runs       401    401     403    403     200  200   403       200       200
  list-events     401    401     403    403     200  200   403       200       200
  list-artifacts  401    401     403    403     200  200   403       200       200
  add-artifact    401    401     403    201     403  201   403       201       403
  list-factories  401    401     403    403     200  200   403       200       200
  get-factory     401    401     403    403     200  200   403       200       200
  put-profile     401    401     403    403     403  201   403       201       201
  get-profile     401    401     403    403     200  200   403       200       200
  list-profiles   401    401     403    403     200  200   403       200       200
  stats           401    401     403    403     200  200   403       200       200
  health          200    200     200    200     200  200   200       200       200
  openapi         200    200     200    200     200  200   200       200       200
  unknown-path    404    404     404    404     404  404   404       404       404
`
  .trim()
  .split("\n")
  .map((line) => line.trim().split(/ +/));
const CALLERS = HEAD?.slice(1) ?? [];
const STATUS = new Map(TABLE.map(([name = "", ...row]) => [name, row.map(Number)]));
const CODES: Readonly<Record<number, string>> = {
  401: "unauthenticated",
  403: "forbidden",
  404: "not_found",
};

const azurite = withAzurite();
let app: HttpApp;
let issuer: Issuer;
beforeAll(async () => {
  issuer = await anIssuer();
  const { connectionString } = azurite();
  const FLEET_API_KEYS = JSON.stringify(KEYS);
  app = await startApp("memory", {
    ...issuer.settings,
    FLEET_API_KEYS,
    AzureWebJobsStorage: connectionString,
  });
});
afterAll(async () => {
  await app.stop();
  await issuer.stop();
});

/** A call as this caller does it: null is nobody. */
function callAs(authorization: string | null, product: string, method: string, path: string, body?: object) {
  const headers = authorization === null ? {} : { authorization };
  return app.call(method, path, { key: null, product, headers, ...(body === undefined ? {} : { body }) });
}
const ADMIN = "Bearer key-of-admin";

let products = 0;
/** A product with everything that a route may be about: a factory, a profile, and a job that is held or has failed. */
async function aProduct(name: string): Promise<{ product: string; path: string }> {
  const product = `product-${++products}`;
  const { path } = { ...GUARDED, ...OPEN }[name] ?? { path: "" };
  const set = async (method: string, to: string, body: object) => {
    const answer = await callAs(ADMIN, product, method, to, body);
    expect(answer.status, `${method} ${to}`).toBeLessThan(300);
    return answer.body;
  };
  if (name in OPEN) return { product, path };
  await set("POST", "/fleet/factories/heartbeat", aHeartbeat(FACTORY));
  if (!path.includes("nothing")) return { product, path };
  await set("PUT", "/fleet/profiles/p", { snapshot: { model: "opus" } });
  if (path.startsWith("/fleet/factories")) return { product, path: path.replace("nothing", FACTORY) };
  if (path.startsWith("/fleet/profiles")) return { product, path: path.replace("nothing", "p") };
  const { job } = await set("POST", "/fleet/jobs", aSubmission());
  await set("POST", "/fleet/claim", { factoryId: FACTORY });
  if (name === "redrive-job") await set("POST", `/fleet/jobs/${job.id}/cancel`, {});
  return { product, path: path.replace("nothing", job.id) };
}

/** What the product holds, as anybody could see it. */
async function contentOf(product: string): Promise<unknown[]> {
  const lists = ["/fleet/jobs", "/fleet/profiles", "/fleet/factories"];
  const answers = await Promise.all(lists.map((path) => callAs(ADMIN, product, "GET", path)));
  return answers.map(({ body }) => body.value);
}

it("every function that is registered has a row, and every row a function", () => {
  const registered = app.functions.flatMap((fn) => (fn.kind === "http" ? [fn.name] : []));
  expect([...STATUS.keys()].toSorted()).toEqual(registered.toSorted());
  for (const fn of app.functions) {
    if (fn.kind !== "http" || fn.name === "unknown-path") continue;
    const { method, path } = { ...GUARDED, ...OPEN }[fn.name] ?? {};
    expect(fn.methods).toEqual([method]);
    expect(path).toMatch(new RegExp(`^${fn.path.replaceAll(/\{\w+\}/g, "[^/]+")}$`));
  }
});

describe.each([...STATUS.keys()])("%s", (name) => {
  const { method, body } = { ...GUARDED, ...OPEN }[name] ?? { method: "" };
  const wanted = Object.fromEntries(CALLERS.map((caller, column) => [caller, STATUS.get(name)?.[column]]));

  it("answers each caller with the status of its row, and does nothing for whom it refuses", async () => {
    const statuses: Record<string, number> = {};
    for (const caller of CALLERS) {
      const { product, path } = await aProduct(name);
      const before = method === "GET" ? [] : await contentOf(product);
      const authorization = caller === "nobody" ? null : `Bearer key-of-${caller}`;
      const answer = await callAs(authorization, product, method, path, body);
      statuses[caller] = answer.status;
      if (answer.status < 400) continue;
      expect(answer.body.code, caller).toBe(CODES[answer.status]);
      if (method !== "GET") expect(await contentOf(product)).toEqual(before);
    }
    expect(statuses).toEqual(wanted);
  });

  it("answers whoever has an access token as whoever has a key with the same role", async () => {
    const statuses: Record<string, number> = {};
    for (const role of EVERY_ROLE) {
      const { product, path } = await aProduct(name);
      const roles = [`Fleet.${role.charAt(0).toUpperCase()}${role.slice(1)}`, `Fleet.Product.${product}`];
      const answer = await callAs(`Bearer ${await issuer.token({ roles })}`, product, method, path, body);
      statuses[role] = answer.status;
    }
    const { product, path } = await aProduct(name);
    for (const [caller, claims] of Object.entries({
      unknown: { exp: 1 },
      elsewhere: { roles: ["Fleet.Admin", "Fleet.Product.elsewhere"] },
    })) {
      const answer = await callAs(`Bearer ${await issuer.token(claims)}`, product, method, path, body);
      statuses[caller] = answer.status;
    }
    const columns = ["unknown", ...EVERY_ROLE, "elsewhere"];
    expect(statuses).toEqual(Object.fromEntries(columns.map((column) => [column, wanted[column]])));
  });
});
