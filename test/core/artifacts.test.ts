import { expect, it } from "vitest";
import { addArtifact } from "../../shared/core/add-artifact.js";
import { listArtifacts } from "../../shared/core/list-artifacts.js";
import type { ListedArtifact } from "../../shared/core/list-artifacts.js";
import type { Blobs } from "../../shared/core/ports/blobs.js";
import { patch } from "../../shared/core/patch.js";
import { release } from "../../shared/core/release.js";
import { LOG, aClaimedJob, addedEvents, f1, list, mustAdd, sha256 } from "../support/artifacts.js";
import { blobsOn, uploadAs, withAzurite } from "../support/azurite.js";
import { onEachStore } from "../support/on-each-store.js";
import { PRODUCT, mustClaim, stored } from "../support/world.js";

const azurite = withAzurite();

onEachStore("an artifact", (open) => {
  it("is registered by an event of the job, and pointed to by a document of its epoch", async () => {
    const { world, jobId } = await aClaimedJob(await open(), blobsOn(azurite()));
    const { artifact, uploaded, upload } = await mustAdd(world, jobId, { ...LOG, sizeBytes: 5 });
    expect(artifact).toMatchObject({ id: `${jobId}:1:log.txt`, jobId, productId: PRODUCT, leaseEpoch: 1 });
    expect(artifact.reported).toEqual({ contentType: "text/plain", sizeBytes: 5 });
    expect([uploaded, upload.method]).toEqual([false, "PUT"]);
    expect((await world.fleet.artifacts.get(jobId, artifact.id))?.doc).toEqual(artifact);
    const job = await stored(world, { id: jobId, productId: PRODUCT });
    expect(job.outbox.at(-1)).toMatchObject({
      type: "artifact_added",
      actor: "f1",
      at: artifact.createdAt,
      data: { leaseEpoch: 1, artifact: { name: "log.txt", contentType: "text/plain", sizeBytes: 5 } },
    });
    expect([job.stage, job.leaseEpoch, job.attempt]).toEqual(["assigned", 1, 1]);
    expect(world.decisions.at(-1)).toMatchObject({ decision: "artifact_added", jobId, factoryId: "f1" });
  });

  it("is listed before it is uploaded, and then says that it is not", async () => {
    const { world, jobId } = await aClaimedJob(await open(), blobsOn(azurite()));
    await mustAdd(world, jobId, { ...LOG, sizeBytes: 5, sha256: sha256("hello") });
    const [listed] = await list(world, jobId);
    expect(listed?.found).toBeUndefined();
    expect(listed?.download).toBeUndefined();
  });

  it("is as its bytes are found, not as they were reported, from the first listing on", async () => {
    const { world, jobId } = await aClaimedJob(await open(), blobsOn(azurite()));
    const lie = { ...LOG, sizeBytes: 99, sha256: sha256("something else") };
    const { artifact, upload } = await mustAdd(world, jobId, lie);
    const headers = { ...upload.headers, "content-type": "text/html" };
    expect(await uploadAs({ ...upload, headers }, "hello")).toBe(201);
    const found = { contentType: "text/html", sizeBytes: 5, sha256: sha256("hello") };
    const [listed] = await list(world, jobId);
    expect(listed?.found).toEqual(found);
    expect(await (await fetch(listed?.download?.url ?? "")).text()).toBe("hello");
    const kept = (await world.fleet.artifacts.get(jobId, artifact.id))?.doc;
    expect(kept).toEqual({ ...artifact, found });
    expect(kept?.reported).toMatchObject({ sizeBytes: 99, sha256: sha256("something else") });
  });

  it("is read once: what was found is not looked for again", async () => {
    let reads = 0;
    const blobs = blobsOn(azurite());
    const counting: Blobs = {
      ...blobs,
      sha256: (blob, version) => {
        reads++;
        return blobs.sha256(blob, version);
      },
    };
    const { world, jobId } = await aClaimedJob(await open(), counting);
    await uploadAs((await mustAdd(world, jobId)).upload, "hello");
    const first = await list(world, jobId);
    expect((await list(world, jobId)).map(({ found }) => found)).toEqual(first.map(({ found }) => found));
    expect(reads).toBe(1);
  });

  it("registered again is the same artifact, with a new URL and no second event", async () => {
    const { world, jobId } = await aClaimedJob(await open(), blobsOn(azurite()));
    const first = await mustAdd(world, jobId);
    world.clock.advance(5);
    const again = await mustAdd(world, jobId);
    expect([again.artifact, again.uploaded]).toEqual([first.artifact, false]);
    await uploadAs(again.upload, "hello");
    const known = await mustAdd(world, jobId);
    expect([known.artifact, known.uploaded]).toEqual([first.artifact, true]);
    expect(await addedEvents(world, jobId)).toBe(1);
  });

  it("described otherwise under the same name at the same epoch is refused, and stays what it was", async () => {
    const { world, jobId } = await aClaimedJob(await open(), blobsOn(azurite()));
    const { artifact } = await mustAdd(world, jobId, { ...LOG, sizeBytes: 5 });
    for (const other of [{ contentType: "text/html", sizeBytes: 5 }, { sizeBytes: 6 }, {}]) {
      const refused = await addArtifact(world.fleet, PRODUCT, jobId, { ...LOG, ...other });
      expect(refused).toEqual({ kind: "artifact_name_taken", jobId, stage: "assigned" });
    }
    expect((await list(world, jobId)).map((listed) => listed.artifact)).toEqual([artifact]);
  });

  it("of a later epoch is another artifact, with bytes of its own", async () => {
    const { world, jobId } = await aClaimedJob(await open(), blobsOn(azurite()));
    await uploadAs((await mustAdd(world, jobId)).upload, "first owner");
    await release(world.fleet, PRODUCT, jobId, f1);
    await mustClaim(world, "f1");
    const later = await mustAdd(world, jobId, { ...LOG, leaseEpoch: 2, contentType: "text/html" });
    expect(await uploadAs(later.upload, "second owner")).toBe(201);
    const texts = (await list(world, jobId)).map(async ({ artifact, download }) => [
      artifact.leaseEpoch,
      await (await fetch(download?.url ?? "")).text(),
    ]);
    expect(await Promise.all(texts)).toEqual([
      [1, "first owner"],
      [2, "second owner"],
    ]);
  });

  it("under a key is registered once; the key with another body is refused", async () => {
    const { world, jobId } = await aClaimedJob(await open(), blobsOn(azurite()));
    const first = await mustAdd(world, jobId, LOG, "k");
    expect((await mustAdd(world, jobId, LOG, "k")).artifact).toEqual(first.artifact);
    // A name that is taken already is remembered, too.
    await mustAdd(world, jobId, LOG, "k2");
    for (const key of ["k", "k2"]) {
      const other = await addArtifact(world.fleet, PRODUCT, jobId, { ...LOG, name: "b" }, key);
      expect(other.kind).toBe("idempotency_conflict");
    }
    expect(await addedEvents(world, jobId)).toBe(1);
  });

  it("of two callers at once is registered by one, and given to both", async () => {
    const { world, jobId } = await aClaimedJob(await open(), blobsOn(azurite()));
    const both = await Promise.all([mustAdd(world, jobId), mustAdd(world, jobId)]);
    expect(both[0].artifact).toEqual(both[1].artifact);
    expect(await addedEvents(world, jobId)).toBe(1);
  });
});

onEachStore("artifacts of a job", (open) => {
  it("come in pages, by epoch and name, each once however they are cut", async () => {
    const { world, jobId, job } = await aClaimedJob(await open(), blobsOn(azurite()));
    for (const name of ["c", "a", "b"]) await mustAdd(world, jobId, { ...LOG, name });
    await release(world.fleet, PRODUCT, jobId, f1);
    await mustClaim(world, "f1");
    for (const name of ["b", "a"]) await mustAdd(world, jobId, { ...LOG, leaseEpoch: 2, name });
    for (const limit of [1, 2, 3, 5, 9]) {
      const seen: string[] = [];
      for (let after: ListedArtifact["artifact"] | undefined, more = true; more;) {
        const page = await listArtifacts(world.fleet, await stored(world, job), limit, after);
        expect(page.value.length).toBeLessThanOrEqual(limit);
        seen.push(...page.value.map(({ artifact }) => `${artifact.leaseEpoch}${artifact.name}`));
        after = page.value.at(-1)?.artifact;
        more = page.more;
      }
      expect(seen).toEqual(["1a", "1b", "1c", "2a", "2b"]);
    }
  });

  it("stay when the job has ended, and can be added no more", async () => {
    const { world, jobId } = await aClaimedJob(await open(), blobsOn(azurite()));
    await uploadAs((await mustAdd(world, jobId)).upload, "hello");
    await patch(world.fleet, PRODUCT, jobId, { ...f1, stage: "shipped" });
    expect((await list(world, jobId))[0]?.found?.sizeBytes).toBe(5);
    const late = await addArtifact(world.fleet, PRODUCT, jobId, { ...LOG, name: "late" });
    expect(late.kind).toBe("lease_not_held");
  });
});
