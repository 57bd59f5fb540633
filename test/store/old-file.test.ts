/**
 * A file of the embedded store as commit e7a64d8 left it, before retries, budgets and cancels: five jobs of
 * the product acme (shipped, failed, building at epoch 3 with 7 tokens, queued, blocked on it).
 */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { cancel } from "../../shared/core/cancel.js";
import { patch } from "../../shared/core/patch.js";
import { reapAndSweep, startSweep } from "../../shared/core/sweep.js";
import { redrive } from "../../shared/core/redrive.js";
import { renew } from "../../shared/core/renew.js";
import { submit } from "../../shared/core/submit.js";
import { submission } from "../../shared/schema/requests.js";
import { openSqliteStore } from "../../shared/store/sqlite-store.js";
import { aFolder } from "../support/scratch.js";
import { PRODUCT, aFactory, aWorld, mustClaim } from "../support/world.js";
import type { World } from "../support/world.js";

const OLD = new URL("../fixtures/fleet-before-issue-5.db.gz", import.meta.url);

describe("a file of the embedded store that an older version wrote", () => {
  let world: World;
  let close: () => void;
  beforeEach(async () => {
    const path = join(await aFolder(), "fleet.db");
    await writeFile(path, gunzipSync(await readFile(OLD)));
    const store = openSqliteStore({ path });
    close = () => {
      store.close();
    };
    world = aWorld(store, { name: "new" });
  });
  afterEach(() => {
    close();
  });

  const byKey = async (key: string) => {
    const found = await world.fleet.jobs.getByKey(PRODUCT, key);
    if (found === undefined) throw new Error(`job ${key} is gone`);
    return found.doc;
  };

  it("knows its keys and contents as it did then", async () => {
    const again = submission.parse({
      idempotencyKey: "queued",
      bodyMd: "Build it.",
      trackerItemId: "T-1",
      priority: "high",
    });
    expect(await submit(world.fleet, PRODUCT, again)).toMatchObject({ kind: "existing" });
    expect(await submit(world.fleet, PRODUCT, { ...again, bodyMd: "Else" })).toMatchObject({
      kind: "superseded",
    });
    expect(await submit(world.fleet, PRODUCT, again)).toMatchObject({ kind: "outdated" });
  });

  it("lets the holder go on, and bills it for what it had reported", async () => {
    const { id } = await byKey("released");
    const who = { factoryId: "f1", leaseEpoch: 3 };
    const insights = { tokensIn: 9 };
    expect(await renew(world.fleet, PRODUCT, id, { ...who, insights })).toMatchObject({ kind: "renewed" });
    expect(await patch(world.fleet, PRODUCT, id, { ...who, stage: "shipped" })).toMatchObject({
      job: { stage: "shipped", checkpoint: { wipCommit: "w2" }, spent: { tokens: 9 } },
    });
  });

  it("cancels, redrives, unblocks, reaps and hands out what is in it", async () => {
    const queued = await byKey("queued");
    expect(await cancel(world.fleet, PRODUCT, queued.id, {})).toMatchObject({ kind: "cancelled" });
    expect(await redrive(world.fleet, PRODUCT, queued.id, {})).toMatchObject({ job: { stage: "queued" } });
    const failed = await byKey("failed");
    expect(await redrive(world.fleet, PRODUCT, failed.id, {})).toMatchObject({ kind: "redriven" });
    world.clock.advance(1000);
    const sweep = startSweep(world.fleet);
    for (let tick = 0; tick < 3; tick++) await reapAndSweep(world.fleet, sweep);
    expect(await byKey("released")).toMatchObject({ stage: "queued", leaseEpoch: 4 });

    await aFactory(world, "f2");
    const claimed = [
      await mustClaim(world, "f2"),
      await mustClaim(world, "f2"),
      await mustClaim(world, "f2"),
    ];
    expect(claimed.map(({ job }) => job.idempotencyKey)).toEqual(["queued", "failed", "released"]);
    const who = { factoryId: "f2", leaseEpoch: claimed[0]?.job.leaseEpoch ?? 0 };
    await patch(world.fleet, PRODUCT, queued.id, { ...who, stage: "shipped" });
    expect(await byKey("blocked")).toMatchObject({ stage: "queued" });
  });
});
