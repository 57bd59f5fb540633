import { expect, it } from "vitest";
import { addArtifact } from "../../shared/core/add-artifact.js";
import { patch } from "../../shared/core/patch.js";
import { StoreMisconfigured, StoreThrottled, StoreUnavailable } from "../../shared/core/ports/store.js";
import { reap } from "../../shared/core/reap.js";
import { LOG, aClaimedJob, addedEvents, f1, list, mustAdd } from "../support/artifacts.js";
import { blobsOn, uploadAs, withAzurite } from "../support/azurite.js";
import { Crash, crashAfter, intercept, justBefore, loseAnswer, writes } from "../support/intercept.js";
import { onEachStore } from "../support/on-each-store.js";
import { PRODUCT, aWorld } from "../support/world.js";

const azurite = withAzurite();

/** Whose registration counts, and whose does not. */
onEachStore("a registration", (open) => {
  it("by one who lost the job is refused, and nothing is registered", async () => {
    const { world, jobId } = await aClaimedJob(await open(), blobsOn(azurite()));
    const refusals: unknown[] = [];
    const add = async (who: { factoryId: string; leaseEpoch: number }) => {
      const refused = await addArtifact(world.fleet, PRODUCT, jobId, { ...LOG, ...who });
      refusals.push(refused.kind);
      if (refused.kind === "stale_lease")
        expect(refused.directive).toEqual({ action: "stop", reason: "lease_lost" });
    };
    await add({ factoryId: "f2", leaseEpoch: 1 });
    await add({ factoryId: "f1", leaseEpoch: 2 });
    world.clock.advance(1000);
    await reap(world.fleet, PRODUCT, jobId);
    await add(f1);
    await add({ factoryId: "f1", leaseEpoch: 2 });
    expect(refusals).toEqual(["not_holder", "stale_lease", "stale_lease", "lease_not_held"]);
    expect(await list(world, jobId)).toEqual([]);
    expect(await addedEvents(world, jobId)).toBe(0);
    expect((await addArtifact(world.fleet, "umbrella", jobId, LOG)).kind).toBe("not_found");
  });

  it("is judged on the version that is written: a job lost between read and write stays lost", async () => {
    const store = await open();
    const { world, jobId } = await aClaimedJob(store, blobsOn(azurite()));
    const late = justBefore(store, writes("fleet_jobs"), async () => {
      world.clock.advance(1000);
      await reap(world.fleet, PRODUCT, jobId);
    });
    const zombie = aWorld(late, { name: "two", clock: world.clock, blobs: blobsOn(azurite()) });
    expect((await addArtifact(zombie.fleet, PRODUCT, jobId, LOG)).kind).toBe("stale_lease");
    expect(await list(world, jobId)).toEqual([]);
  });

  it("whose answer was lost happened once, and is answered", async () => {
    const store = await open();
    const { world, jobId } = await aClaimedJob(store, blobsOn(azurite()));
    const lossy = aWorld(loseAnswer(store, writes("fleet_jobs")), {
      name: "two",
      clock: world.clock,
      blobs: blobsOn(azurite()),
    });
    const { artifact } = await mustAdd(lossy, jobId);
    expect((await list(world, jobId)).map((listed) => listed.artifact)).toEqual([artifact]);
    expect(await addedEvents(world, jobId)).toBe(1);
  });

  it.each([1, 2])("that died after its write %i is listed, and survives the next writer", async (nth) => {
    const store = await open();
    const { world, jobId } = await aClaimedJob(store, blobsOn(azurite()));
    const died = nth === 1 ? writes("fleet_jobs") : writes("fleet_artifacts");
    const dying = aWorld(crashAfter(store, died), {
      name: "two",
      clock: world.clock,
      blobs: blobsOn(azurite()),
    });
    await expect(addArtifact(dying.fleet, PRODUCT, jobId, LOG)).rejects.toBeInstanceOf(Crash);
    const id = `${jobId}:1:log.txt`;
    expect((await list(world, jobId)).map(({ artifact }) => artifact.id)).toEqual([id]);
    // Two writers later the event has left the job.
    await patch(world.fleet, PRODUCT, jobId, { ...f1, stage: "building" });
    await patch(world.fleet, PRODUCT, jobId, { ...f1, stage: "testing" });
    expect((await world.fleet.artifacts.get(jobId, id))?.doc.name).toBe("log.txt");
    const again = await mustAdd(world, jobId);
    expect(await uploadAs(again.upload, "hello")).toBe(201);
    expect((await list(world, jobId))[0]?.found?.sizeBytes).toBe(5);
  });

  it("is told that nobody knows, where the pointer could not be read for load after the write", async () => {
    const store = await open();
    const { world, jobId } = await aClaimedJob(store, blobsOn(azurite()));
    let written = false;
    const busy = intercept(store, async (call, proceed) => {
      if (written && call.container === "fleet_artifacts") throw new StoreThrottled(1);
      const answer = await proceed();
      written ||= call.method === "replaceIfMatch" && call.container === "fleet_jobs";
      return answer;
    });
    const two = aWorld(busy, { name: "two", clock: world.clock, blobs: blobsOn(azurite()) });
    await expect(addArtifact(two.fleet, PRODUCT, jobId, LOG)).rejects.toBeInstanceOf(StoreUnavailable);
    expect((await list(world, jobId)).length).toBe(1);
  });

  it("without a place for the bytes promises nothing, and names the setting", async () => {
    const store = await open();
    const { world, jobId } = await aClaimedJob(store, blobsOn(azurite()));
    const without = aWorld(store, { clock: world.clock });
    const refused = addArtifact(without.fleet, PRODUCT, jobId, LOG);
    await expect(refused).rejects.toBeInstanceOf(StoreMisconfigured);
    await expect(refused).rejects.toThrow("BLOB_ENDPOINT");
    expect(await addedEvents(world, jobId)).toBe(0);
    await expect(list(without, jobId)).rejects.toThrow("BLOB_ENDPOINT");
    expect(await without.fleet.blobs.deleteJobArtifacts(PRODUCT, jobId)).toBe("all");
  });
});
