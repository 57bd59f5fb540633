import { expect, it } from "vitest";
import type { submission } from "../../shared/schema/requests.js";
import { allJobs, entry, idOf, kinds, results, send } from "../support/batches.js";
import { onEachStore } from "../support/on-each-store.js";
import { PRODUCT, aFactory, aJob, aWorld, mustClaim } from "../support/world.js";
import type { z } from "zod";

onEachStore("a batch", (open) => {
  it("is submitted whole, whatever its order: what depends comes after what it depends on", async () => {
    const world = aWorld(await open());
    const found = await results(world, entry("c", ["b", "a"]), entry("a"), entry("b", ["a"]));
    expect(kinds(found)).toEqual(["created", "created", "created"]);
    const jobs = found.flatMap((result) => ("job" in result ? [result.job] : []));
    expect(jobs.map(({ id }) => id)).toEqual([idOf("c"), idOf("a"), idOf("b")]);
    expect(jobs.map(({ stage }) => stage)).toEqual(["blocked", "queued", "blocked"]);
    expect(jobs[0]?.deps).toEqual([idOf("b"), idOf("a")]);
    const [c = 0, a = 0, b = 0] = jobs.map(({ order }) => order);
    expect(a < b && b < c).toBe(true);
  });

  it("sent again changes nothing, and completes what is missing", async () => {
    const world = aWorld(await open());
    await results(world, entry("a"), entry("b", ["a"]));
    const again = await results(world, entry("a"), entry("b", ["a"]), entry("c", ["b"]));
    expect(kinds(again)).toEqual(["existing", "existing", "created"]);
  });

  it("of a hundred jobs, each depending on the next, is one", async () => {
    const world = aWorld(await open());
    const keys = Array.from({ length: 100 }, (_, n) => `k${n}`);
    const found = await results(world, ...keys.map((key, n) => entry(key, keys.slice(n + 1, n + 2))));
    expect(new Set(kinds(found))).toEqual(new Set(["created"]));
    expect(await allJobs(world)).toHaveLength(100);
  });

  it("supersedes what waits, and finds what was superseded outdated", async () => {
    const world = aWorld(await open());
    await results(world, entry("a"), entry("b"));
    const changed = await results(world, entry("a", [], { bodyMd: "other" }), entry("b"));
    expect(kinds(changed)).toEqual(["superseded", "existing"]);
    expect(kinds(await results(world, entry("a"), entry("b")))).toEqual(["outdated", "existing"]);
  });

  it("may name an older job by its id, and a parent that is not there yet by its key", async () => {
    const world = aWorld(await open());
    const old = await aJob(world, { idempotencyKey: "old" });
    await results(
      world,
      entry("child", [], { parentId: "key:epic", deps: [old.id] }),
      entry("epic", ["child"], { kind: "composite" }),
    );
    const children = (await world.fleet.jobs.list(PRODUCT, { parentId: idOf("epic") }, 10)).value;
    expect(children.map(({ id }) => id)).toEqual([idOf("child")]);
  });

  it.each<[string, readonly z.infer<typeof submission>[], unknown]>([
    [
      "a key twice",
      [entry("a"), entry("b"), entry("a")],
      [{ index: 2, refusal: { kind: "duplicate_key", first: 0 } }],
    ],
    [
      "a cycle, with its path",
      [entry("x"), entry("a", ["c"]), entry("b", ["a"]), entry("c", ["b", "x"])],
      [{ index: 1, refusal: { kind: "dependency_cycle", cycle: ["key:a", "key:c", "key:b", "key:a"] } }],
    ],
    [
      "a job that depends on itself",
      [entry("a", ["a"])],
      [{ index: 0, refusal: { kind: "dependency_cycle", cycle: ["key:a", "key:a"] } }],
    ],
    [
      "what nobody knows, each by its index, but not what waits for it",
      [entry("a"), entry("b", ["no", "a"]), entry("c", ["b"]), entry("d", [], { deps: ["jno"] })],
      [
        { index: 1, refusal: { kind: "unknown_dependency", missing: ["key:no"] } },
        { index: 3, refusal: { kind: "unknown_dependency", missing: ["jno"] } },
      ],
    ],
    [
      "a profile that is not there",
      [entry("a"), entry("b", [], { profile: "none" })],
      [{ index: 1, refusal: { kind: "unknown_profile", profile: "none" } }],
    ],
  ])("is refused for %s, and nothing is written", async (_what, jobs, errors) => {
    const world = aWorld(await open());
    expect(await send(world, ...jobs)).toEqual({ kind: "refused", errors });
    expect(await allJobs(world)).toEqual([]);
    expect(world.decisions).toEqual([]);
  });

  it("is refused where a supersede would close a cycle with jobs that are there", async () => {
    const world = aWorld(await open());
    await results(world, entry("a"), entry("b", ["a"]));
    const before = await allJobs(world);
    const x = idOf("b");
    expect(await send(world, entry("new"), entry("a", [], { deps: [x] }))).toEqual({
      kind: "refused",
      errors: [{ index: 1, refusal: { kind: "dependency_cycle", cycle: ["key:a", x, "key:a"] } }],
    });
    expect(await allJobs(world)).toEqual(before);
  });

  it("is refused where a supersede would close a cycle through a job that the batch would make", async () => {
    const world = aWorld(await open());
    await results(world, entry("a"), entry("b", ["a"]));
    world.clock.advance(1);
    const cycle = ["key:a", "key:new", idOf("b"), "key:a"];
    expect(await send(world, entry("a", ["new"]), entry("new", ["b"]))).toEqual({
      kind: "refused",
      errors: [{ index: 0, refusal: { kind: "dependency_cycle", cycle } }],
    });
    expect(await send(world, entry("a", ["new"]), entry("new"))).toEqual({
      kind: "refused",
      errors: [{ index: 0, refusal: { kind: "dependency_order", deps: ["key:new"] } }],
    });
    expect(await allJobs(world)).toHaveLength(2);
  });

  it("is refused where a factory works on one of its jobs with other content", async () => {
    const world = aWorld(await open());
    await aJob(world, { idempotencyKey: "a" });
    await aFactory(world, "f1");
    await mustClaim(world, "f1");
    const other = await send(world, entry("new"), entry("a", [], { bodyMd: "other" }));
    const refusal = { kind: "idempotency_conflict", jobId: idOf("a"), stage: "assigned" };
    expect(other).toEqual({ kind: "refused", errors: [{ index: 1, refusal }] });
    expect(await allJobs(world)).toHaveLength(1);
    expect(kinds(await results(world, entry("new"), entry("a")))).toEqual(["created", "existing"]);
  });
});
