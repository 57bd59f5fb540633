/** What an operator and a factory are shown: heartbeats, what waits, what is missing. */
import { expect, it } from "vitest";
import { claim } from "../../shared/core/claim.js";
import { heartbeat } from "../../shared/core/heartbeat.js";
import { mergeInsights } from "../../shared/core/insights.js";
import { readStats } from "../../shared/core/stats.js";
import { whyNothing } from "../../shared/core/why-nothing.js";
import { aDocument } from "../support/documents.js";
import { intercept, justBefore, loseAnswer, writes } from "../support/intercept.js";
import { onEachStore } from "../support/on-each-store.js";
import { PRODUCT, aFactory, aJob, aWorld, mustClaim } from "../support/world.js";

const beat = { factoryId: "f1", capabilities: [], engines: [], seatLimit: 9, load: 0, health: "ok" as const };

onEachStore("a heartbeat", (open) => {
  it.each(["first", "later"])("costs one read and one write: the %s one", async (which) => {
    const store = await open();
    const calls: string[] = [];
    const world = aWorld(
      intercept(store, (call, proceed) => {
        if (call.container === "fleet_factories") calls.push(call.method);
        return proceed();
      }),
    );
    if (which === "later") await heartbeat(world.fleet, PRODUCT, beat);
    calls.length = 0;
    await heartbeat(world.fleet, PRODUCT, beat);
    expect(calls).toEqual(["read", which === "later" ? "replaceIfMatch" : "create"]);
  });

  it("that met an older one is tried again, and stands in the end", async () => {
    const store = await open();
    const world = aWorld(store);
    await heartbeat(world.fleet, PRODUCT, beat);
    const behind = aWorld(store, { name: "behind" });
    world.clock.advance(60);
    const racing = justBefore(store, writes("fleet_factories"), () =>
      heartbeat(behind.fleet, PRODUCT, { ...beat, load: 7 }),
    );
    const two = aWorld(racing, { name: "two", clock: world.clock });
    const { factory } = await heartbeat(two.fleet, PRODUCT, { ...beat, load: 1 });
    expect(factory).toMatchObject({ load: 1, lastHeartbeatAt: "2026-01-15T12:01:00.000Z" });
    expect((await world.fleet.factories.get(PRODUCT, "f1"))?.doc).toEqual(factory);
  });

  it("that lost to a later one lets that stand, and answers it", async () => {
    const store = await open();
    const world = aWorld(store);
    await heartbeat(world.fleet, PRODUCT, beat);
    const ahead = aWorld(store, { name: "ahead" });
    ahead.clock.advance(60);
    const racing = justBefore(store, writes("fleet_factories"), () =>
      heartbeat(ahead.fleet, PRODUCT, { ...beat, load: 7 }),
    );
    const two = aWorld(racing, { name: "two", clock: world.clock });
    expect((await heartbeat(two.fleet, PRODUCT, beat)).factory).toMatchObject({ load: 7 });
    expect((await world.fleet.factories.get(PRODUCT, "f1"))?.doc.load).toBe(7);
  });

  it("of a factory whose job has no lease yet lists none for it", async () => {
    const store = await open();
    const world = aWorld(store);
    await aJob(world, { idempotencyKey: "a" });
    await aFactory(world, "f1");
    const slow = justBefore(store, writes("fleet_leases"), async () => {
      expect((await heartbeat(world.fleet, PRODUCT, beat)).leases).toEqual([]);
    });
    await mustClaim(aWorld(slow, { name: "two", clock: world.clock }), "f1");
  });

  it("whose answer was lost was one all the same: sent again, it is taken", async () => {
    const store = await open();
    const unlucky = aWorld(loseAnswer(store, writes("fleet_factories")));
    await expect(heartbeat(unlucky.fleet, PRODUCT, beat)).rejects.toThrow("lost");
    expect((await heartbeat(unlucky.fleet, PRODUCT, beat)).factory).toMatchObject({ factoryId: "f1" });
  });
});

onEachStore("what waits", (open) => {
  it("is grouped by what it asks for, the largest group first, twenty at most", async () => {
    const world = aWorld(await open());
    for (let n = 0; n < 21; n++) await aJob(world, { idempotencyKey: `c${n}`, capabilities: [`c${n}`] });
    for (let n = 0; n < 3; n++)
      await aJob(world, {
        idempotencyKey: `gpu${n}`,
        capabilities: n === 1 ? ["arm", "gpu"] : ["gpu", "arm"],
      });
    for (let n = 0; n < 2; n++) await aJob(world, { idempotencyKey: `c20-${n}`, capabilities: ["c20"] });
    const { waiting } = await readStats(world.fleet, PRODUCT);
    expect(waiting).toHaveLength(20);
    expect(waiting.slice(0, 3).map(({ capabilities, count }) => [capabilities, count])).toEqual(
      expect.arrayContaining([
        [["arm", "gpu"], 3],
        [["c20"], 3],
      ]),
    );
    expect(waiting[2]?.count).toBe(1);
  });
});

onEachStore("what a factory lacks", (open) => {
  const ask = { factoryId: "f1" };

  it("is named with the most often asked for first, ten at most, and nothing that it has", async () => {
    const world = aWorld(await open());
    for (let n = 0; n < 12; n++)
      await aJob(world, { idempotencyKey: `c${n}`, capabilities: ["linux", `c${n}`] });
    for (let n = 0; n < 2; n++) await aJob(world, { idempotencyKey: `again${n}`, capabilities: ["c11"] });
    await aJob(world, { idempotencyKey: "c7-again", capabilities: ["c7"] });
    await aFactory(world, "f1", { capabilities: ["linux"] });
    const answer = await claim(world.fleet, PRODUCT, ask);
    expect(answer).toMatchObject({ kind: "nothing", reason: "no_matching_capabilities" });
    const missing = "missing" in answer ? (answer.missing ?? []) : [];
    expect(missing).toHaveLength(10);
    expect(missing.slice(0, 2)).toEqual(["c11", "c7"]);
    expect(missing).not.toContain("linux");
  });

  it("may be an engine, and is not one that it has", async () => {
    const world = aWorld(await open());
    await aJob(world, { idempotencyKey: "a", engineClass: "codex" });
    await aJob(world, { idempotencyKey: "b", engineClass: "claude", capabilities: ["gpu"] });
    await aFactory(world, "f1", { engines: ["claude"] });
    expect(await claim(world.fleet, PRODUCT, ask)).toEqual({
      kind: "nothing",
      reason: "no_matching_capabilities",
      missing: ["codex", "gpu"],
    });
  });

  it("is nothing, when a job that it can take came just after it looked", async () => {
    const world = aWorld(await open());
    await aJob(world, { idempotencyKey: "a", capabilities: ["gpu"] });
    await aJob(world, { idempotencyKey: "b" });
    const factory = aDocument.fleet_factories({ capabilities: ["linux"] });
    expect(await whyNothing(world.fleet, factory)).toEqual({ reason: "contended" });
  });
});

it("a total that was none before, and a word that was said before, are taken as they come", () => {
  expect(mergeInsights({ model: "a" }, { model: "b", turns: 1 })).toEqual({ model: "b", turns: 1 });
  expect(mergeInsights({ estimated: true, turns: 2 }, { estimated: false, turns: 1 })).toEqual({
    estimated: false,
    turns: 2,
  });
  expect(mergeInsights({ turns: 2 }, undefined)).toEqual({ turns: 2 });
});
