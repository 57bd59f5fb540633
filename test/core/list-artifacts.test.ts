import { expect, it } from "vitest";
import type { Blobs } from "../../shared/core/ports/blobs.js";
import { patch } from "../../shared/core/patch.js";
import { LOG, aClaimedJob, f1, list, mustAdd, sha256 } from "../support/artifacts.js";
import { blobsOn, uploadAs, withAzurite } from "../support/azurite.js";
import { justBefore, writes } from "../support/intercept.js";
import { onEachStore } from "../support/on-each-store.js";
import { PRODUCT, aWorld, stored } from "../support/world.js";

const azurite = withAzurite();

onEachStore("a listing", (open) => {
  it("out of time shows sizes, and leaves the digests to the next one", async () => {
    const blobs = blobsOn(azurite());
    const slow: Blobs = {
      ...blobs,
      sha256: (blob, version) => {
        world.clock.advance(6);
        return blobs.sha256(blob, version);
      },
    };
    const { world, jobId } = await aClaimedJob(await open(), slow);
    for (const name of ["a", "b"])
      await uploadAs((await mustAdd(world, jobId, { ...LOG, name })).upload, "hello");
    const digests = async () =>
      (await list(world, jobId)).map(({ found }) => [found?.sizeBytes, found?.sha256 !== undefined]);
    expect(await digests()).toEqual([
      [5, true],
      [5, false],
    ]);
    expect(await digests()).toEqual([
      [5, true],
      [5, true],
    ]);
  });

  it("of a blob too large to be read keeps its size alone", async () => {
    const blobs = blobsOn(azurite());
    const huge: Blobs = {
      ...blobs,
      look: async (blob) => {
        const seen = await blobs.look(blob);
        return seen && { ...seen, sizeBytes: 600 * 1024 * 1024 };
      },
      sha256: () => Promise.reject(new Error("it is not read")),
    };
    const { world, jobId } = await aClaimedJob(await open(), huge);
    await uploadAs((await mustAdd(world, jobId)).upload, "hello");
    expect((await list(world, jobId))[0]?.found).toEqual({
      contentType: "text/plain",
      sizeBytes: 600 * 1024 * 1024,
    });
  });

  it("beside another keeps what the first one found", async () => {
    const store = await open();
    const { world, jobId } = await aClaimedJob(store, blobsOn(azurite()));
    await uploadAs((await mustAdd(world, jobId)).upload, "hello");
    const late = justBefore(store, writes("fleet_artifacts"), () => list(world, jobId));
    const two = aWorld(late, { name: "two", clock: world.clock, blobs: blobsOn(azurite()) });
    const [listed] = await list(two, jobId);
    expect(listed?.found?.sha256).toBe(sha256("hello"));
    const kept = (await world.fleet.artifacts.get(jobId, `${jobId}:1:log.txt`))?.doc;
    expect(kept?.found).toEqual(listed?.found);
  });

  it("does not bring back a pointer that retention took away meanwhile", async () => {
    const store = await open();
    const blobs = blobsOn(azurite());
    const { world, jobId, job } = await aClaimedJob(store, {
      ...blobs,
      sha256: async (blob, version) => {
        const digest = await blobs.sha256(blob, version);
        const id = `${jobId}:1:log.txt`;
        const pointer = await world.fleet.artifacts.get(jobId, id);
        if (pointer !== undefined) await world.fleet.artifacts.deleteIfMatch(jobId, pointer);
        return digest;
      },
    });
    await uploadAs((await mustAdd(world, jobId)).upload, "hello");
    await patch(world.fleet, PRODUCT, jobId, { ...f1, stage: "shipped" });
    expect((await stored(world, job)).outbox).toEqual([]);
    await list(world, jobId);
    expect(await list(world, jobId)).toEqual([]);
  });
});
