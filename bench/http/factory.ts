/** What each of many factories does, over and over: a mix of every route there is. */
import type { Client, Json } from "./client.js";

interface Held {
  readonly id: string;
  readonly fenced: { readonly factoryId: string; readonly leaseEpoch: number };
}

/** Prime to every period of the mix. */
const STRIDE = 7;

/** Works until `goesOn` says no. */
export async function work(client: Client, n: number, goesOn: () => boolean): Promise<void> {
  const factoryId = `factory-${n}`;
  await heartbeat(client, factoryId);
  // Each begins elsewhere in the mix: in step, all of them would do the same at once.
  for (let turn = n * STRIDE; goesOn(); turn++) {
    const key = `${factoryId}-${turn}`;
    if (turn % 10 === 0) await heartbeat(client, factoryId);
    await submitSome(client, key, turn);
    const held = await claim(client, factoryId);
    if (held !== undefined) await workOn(client, held, turn);
    await lookAround(client, factoryId, turn);
  }
}

async function heartbeat(client: Client, factoryId: string): Promise<void> {
  const state = { capabilities: ["linux"], engines: ["claude"], seatLimit: 10, load: 1, health: "ok" };
  await client.call("heartbeat", "POST", "/fleet/factories/heartbeat", { factoryId, ...state });
}

/** Mostly one job, sometimes several of which one waits for another, sometimes one that is cancelled and redriven. */
async function submitSome(client: Client, key: string, turn: number): Promise<void> {
  const bodyMd = "b".repeat(500 + ((turn * 997) % 4000));
  const submission = { idempotencyKey: key, bodyMd, capabilities: turn % 3 === 0 ? ["linux"] : [] };
  if (turn % 8 === 5) {
    const jobs = [submission, { idempotencyKey: `${key}-b`, bodyMd, deps: [`key:${key}`] }];
    await client.call("submit-batch", "POST", "/fleet/jobs/batch", { jobs });
    return;
  }
  const submitted = await client.call("submit-job", "POST", "/fleet/jobs", submission);
  const id = idOf(submitted?.body);
  if (id === undefined || turn % 8 !== 3) return;
  await client.call("cancel-job", "POST", `/fleet/jobs/${id}/cancel`, { reason: "Not needed." });
  await client.call("redrive-job", "POST", `/fleet/jobs/${id}/redrive`, {});
}

async function claim(client: Client, factoryId: string): Promise<Held | undefined> {
  const answer = await client.call("claim", "POST", "/fleet/claim", { factoryId });
  const { job } = (answer?.body ?? {}) as { job?: { id: string; leaseEpoch: number } };
  return job && { id: job.id, fenced: { factoryId, leaseEpoch: job.leaseEpoch } };
}

async function workOn(client: Client, { id, fenced }: Held, turn: number): Promise<void> {
  const patch = (given: Json) =>
    client.call("patch-job", "PATCH", `/fleet/jobs/${id}`, { ...fenced, ...given });
  const checkpoint = { wipBranch: `wip/${turn}`, wipCommit: "0123456789abcdef" };
  const insights = { model: "a-model", tokensIn: 1000 + turn, tokensOut: 100, costUsd: 0.01 };
  await client.call("renew-lease", "POST", `/fleet/jobs/${id}/lease/renew`, { ...fenced });
  await patch({ stage: "building", checkpoint, insights });
  if (turn % 4 === 1) {
    const artifact = { ...fenced, name: "log.txt", contentType: "text/plain", sizeBytes: 10 };
    await client.call("add-artifact", "POST", `/fleet/jobs/${id}/artifacts`, artifact);
    await client.call("list-artifacts", "GET", `/fleet/jobs/${id}/artifacts`);
  }
  if (turn % 16 === 7) {
    const given = { ...fenced, checkpoint, reason: "Out of tokens." };
    await client.call("release-lease", "POST", `/fleet/jobs/${id}/lease/release`, given);
    return;
  }
  if (turn % 16 === 9) await patch({ stage: "failed", failure: { kind: "build", message: "It broke." } });
  else await patch({ stage: "shipped", checkpoint, insights, result: { ok: true } });
  await client.call("get-job", "GET", `/fleet/jobs/${id}`);
  await client.call("list-runs", "GET", `/fleet/jobs/${id}/runs`);
  await client.call("list-events", "GET", `/fleet/jobs/${id}/events`);
}

/** One of what those call who only watch, or look after the fleet. */
async function lookAround(client: Client, factoryId: string, turn: number): Promise<void> {
  const looks = [
    () => client.call("list-jobs", "GET", "/fleet/jobs?limit=20"),
    () => client.call("list-jobs", "GET", "/fleet/jobs?stage=queued&limit=20"),
    () => client.call("get-factory", "GET", `/fleet/factories/${factoryId}`),
    () => client.call("list-factories", "GET", "/fleet/factories"),
    () => client.call("stats", "GET", "/fleet/stats"),
    () => client.call("health", "GET", "/fleet/health"),
    () => client.call("openapi", "GET", "/fleet/openapi.json"),
    () => client.call("put-profile", "PUT", "/fleet/profiles/builder", { snapshot: { turn: turn % 5 } }),
    () => client.call("get-profile", "GET", "/fleet/profiles/builder"),
    () => client.call("list-profiles", "GET", "/fleet/profiles"),
    () =>
      client.call("bulk-jobs", "POST", "/fleet/jobs/bulk", {
        ...{ action: "cancel", filter: { stage: "blocked" }, dryRun: true },
      }),
  ];
  await looks[turn % looks.length]?.();
}

function idOf(body: Json | undefined): string | undefined {
  const { job } = (body ?? {}) as { job?: { id: string } };
  return job?.id;
}
