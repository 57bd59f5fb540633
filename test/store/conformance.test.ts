import { expect, it } from "vitest";
import { aDocument } from "../support/documents.js";
import { onEachStore } from "../support/on-each-store.js";
import { aJob, createJobs } from "./fixtures.js";

onEachStore("creating", (open) => {
  it("makes a document that reads back as it was, with the etag it was given", async () => {
    const store = await open();
    const job = aJob("job-1", {
      checkpoint: { wipBranch: "wip/1" },
      dirty: true,
      result: { nested: [1, 2.5, -0.001, 1e21, null, { "odd key": false }], empty: {}, none: [] },
    });
    const [etag] = await createJobs(store, [job]);
    expect(await store.read("fleet_jobs", "acme", "job-1")).toStrictEqual({ doc: job, etag });
  });

  it("finds an id taken, and leaves what was there", async () => {
    const store = await open();
    const [etag] = await createJobs(store, [aJob("job-1")]);
    const again = aJob("job-1", { idempotencyKey: "another", bodyMd: "other" });
    expect(await store.create("fleet_jobs", again)).toEqual({ kind: "exists" });
    expect(await store.read("fleet_jobs", "acme", "job-1")).toEqual({ doc: aJob("job-1"), etag });
  });

  it("finds a unique key taken within its partition, and free in another", async () => {
    const store = await open();
    await createJobs(store, [aJob("job-1", { idempotencyKey: "nightly" })]);
    const sameKey = aJob("job-2", { idempotencyKey: "nightly" });
    expect(await store.create("fleet_jobs", sameKey)).toEqual({ kind: "exists" });
    expect(await store.read("fleet_jobs", "acme", "job-2")).toBeUndefined();
    const elsewhere = { ...sameKey, productId: "globex" };
    expect(await store.create("fleet_jobs", elsewhere)).toMatchObject({ kind: "created" });
  });

  it("lets exactly one of twenty creators of one id win", async () => {
    const store = await open();
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, n) => store.create("fleet_jobs", aJob("job-1", { bodyMd: `by ${n}` }))),
    );
    expect(outcomes.filter(({ kind }) => kind === "created")).toHaveLength(1);
    expect(outcomes.filter(({ kind }) => kind === "exists")).toHaveLength(19);
  });

  it("drops members that are undefined, and does not touch the document it was given", async () => {
    const store = await open();
    const given = { ...aJob("job-1"), claimId: undefined, checkpoint: { wipBranch: undefined } };
    const before = structuredClone(given);
    await createJobs(store, [given]);
    expect(given).toStrictEqual(before);
    const read = await store.read("fleet_jobs", "acme", "job-1");
    expect(read?.doc).toStrictEqual(aJob("job-1", { checkpoint: {} }));
  });

  it("keeps text of every script, and a mebibyte of it, verbatim", async () => {
    const store = await open();
    const texts = ['naïve "日本語" 🛠️ \u2028 \u0000 \\ \n\t \ud83d\ude80', "é".repeat(512 * 1024)];
    for (const [n, bodyMd] of texts.entries()) {
      await createJobs(store, [aJob(`job-${n}`, { bodyMd })]);
      const read = await store.read("fleet_jobs", "acme", `job-${n}`);
      expect(read?.doc.bodyMd === bodyMd).toBe(true);
    }
  });

  it("works for the documents of every container", async () => {
    const store = await open();
    const [run, lease, event] = [aDocument.fleet_runs(), aDocument.fleet_leases(), aDocument.fleet_events()];
    await store.create("fleet_runs", run);
    await store.create("fleet_leases", lease);
    await store.create("fleet_events", event);
    await store.create("fleet_factories", aDocument.fleet_factories());
    await store.create("fleet_profiles", aDocument.fleet_profiles());
    await store.create("fleet_artifacts", aDocument.fleet_artifacts());
    expect((await store.read("fleet_runs", "job-1", run.id))?.doc).toEqual(run);
    expect((await store.read("fleet_leases", "job-1", "job-1"))?.doc).toEqual(lease);
    expect((await store.read("fleet_events", "job-1", event.id))?.doc).toEqual(event);
    expect((await store.read("fleet_factories", "acme", "f1"))?.doc).toEqual(aDocument.fleet_factories());
    expect((await store.read("fleet_profiles", "acme", "careful:1"))?.doc.snapshot).toEqual({
      model: "opus",
    });
    expect((await store.read("fleet_artifacts", "job-1", "job-1:1:log.txt"))?.doc.name).toBe("log.txt");
  });
});

onEachStore("reading", (open) => {
  it("answers undefined for a document that is not there, before and after others are", async () => {
    const store = await open();
    expect(await store.read("fleet_jobs", "acme", "job-1")).toBeUndefined();
    await createJobs(store, [aJob("job-1")]);
    expect(await store.read("fleet_jobs", "acme", "job-2")).toBeUndefined();
  });

  it("does not show one product's document to another", async () => {
    const store = await open();
    const [acme] = await createJobs(store, [aJob("job-1"), aJob("job-1", { productId: "globex" })]);
    expect(await store.read("fleet_jobs", "initech", "job-1")).toBeUndefined();
    const read = await store.read("fleet_jobs", "acme", "job-1");
    expect(read).toMatchObject({ doc: { productId: "acme" }, etag: acme });
  });

  it("answers a ping", async () => {
    await expect((await open()).ping()).resolves.toBeUndefined();
  });
});

onEachStore("replacing", (open) => {
  it("succeeds under the current etag, and gives another one", async () => {
    const store = await open();
    const [etag = ""] = await createJobs(store, [aJob("job-1")]);
    const next = aJob("job-1", { attempt: 1 });
    const outcome = await store.replaceIfMatch("fleet_jobs", next, etag);
    expect(outcome).toMatchObject({ kind: "replaced" });
    const read = await store.read("fleet_jobs", "acme", "job-1");
    expect({ kind: "replaced", etag: read?.etag }).toEqual(outcome);
    expect(read?.doc).toEqual(next);
    expect(read?.etag).not.toBe(etag);
  });

  it("gives a fresh etag even when nothing changes, so that A, B, A is not taken for A", async () => {
    const store = await open();
    const [first = ""] = await createJobs(store, [aJob("job-1")]);
    const seen = new Set([first]);
    let etag = first;
    for (let round = 0; round < 5; round++) {
      const outcome = await store.replaceIfMatch("fleet_jobs", aJob("job-1"), etag);
      if (outcome.kind !== "replaced") throw new Error(outcome.kind);
      etag = outcome.etag;
      seen.add(etag);
    }
    expect(seen.size).toBe(6);
    expect(await store.replaceIfMatch("fleet_jobs", aJob("job-1"), first)).toEqual({ kind: "etag_mismatch" });
  });

  it("is refused under an old etag, and changes nothing", async () => {
    const store = await open();
    const [old = ""] = await createJobs(store, [aJob("job-1")]);
    await store.replaceIfMatch("fleet_jobs", aJob("job-1", { attempt: 1 }), old);
    const late = await store.replaceIfMatch("fleet_jobs", aJob("job-1", { attempt: 9 }), old);
    expect(late).toEqual({ kind: "etag_mismatch" });
    expect((await store.read("fleet_jobs", "acme", "job-1"))?.doc.attempt).toBe(1);
  });

  it("never creates the document, whatever the etag", async () => {
    const store = await open();
    const [etag = ""] = await createJobs(store, [aJob("job-1")]);
    expect(await store.replaceIfMatch("fleet_jobs", aJob("job-2"), etag)).toEqual({ kind: "missing" });
    const elsewhere = aJob("job-1", { productId: "globex" });
    expect(await store.replaceIfMatch("fleet_jobs", elsewhere, etag)).toEqual({ kind: "missing" });
    expect(await store.read("fleet_jobs", "acme", "job-2")).toBeUndefined();
    expect(await store.read("fleet_jobs", "globex", "job-1")).toBeUndefined();
  });

  it("lets exactly one of twenty racers under one etag win, and it is the one that is read", async () => {
    const store = await open();
    const [etag = ""] = await createJobs(store, [aJob("job-1")]);
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        store.replaceIfMatch("fleet_jobs", aJob("job-1", { claimId: `racer-${n}` }), etag),
      ),
    );
    const winners = outcomes.flatMap(({ kind }, n) => (kind === "replaced" ? [`racer-${n}`] : []));
    expect(winners).toHaveLength(1);
    expect(outcomes.filter(({ kind }) => kind === "etag_mismatch")).toHaveLength(19);
    expect((await store.read("fleet_jobs", "acme", "job-1"))?.doc.claimId).toBe(winners[0]);
  });

  it("with another document's unique key is a bug, and changes nothing", async () => {
    const store = await open();
    const [, etag = ""] = await createJobs(store, [aJob("job-1"), aJob("job-2")]);
    const taken = aJob("job-2", { idempotencyKey: aJob("job-1").idempotencyKey });
    await expect(store.replaceIfMatch("fleet_jobs", taken, etag)).rejects.toMatchObject({ name: "Error" });
    expect((await store.read("fleet_jobs", "acme", "job-2"))?.etag).toBe(etag);
  });
});

onEachStore("deleting", (open) => {
  it("succeeds under the current etag alone, and once", async () => {
    const store = await open();
    const made = await store.create("fleet_leases", aDocument.fleet_leases());
    if (made.kind !== "created") throw new Error(made.kind);
    const next = await store.replaceIfMatch("fleet_leases", aDocument.fleet_leases(), made.etag);
    if (next.kind !== "replaced") throw new Error(next.kind);
    const remove = (id: string, etag: string) => store.deleteIfMatch("fleet_leases", "job-1", id, etag);
    expect(await remove("job-1", made.etag)).toEqual({ kind: "etag_mismatch" });
    expect(await remove("job-2", next.etag)).toEqual({ kind: "missing" });
    expect(await remove("job-1", next.etag)).toEqual({ kind: "deleted" });
    expect(await remove("job-1", next.etag)).toEqual({ kind: "missing" });
    expect(await store.read("fleet_leases", "job-1", "job-1")).toBeUndefined();
  });

  it("frees the id, and the old etag stays good for nothing", async () => {
    const store = await open();
    const lease = aDocument.fleet_leases();
    const first = await store.create("fleet_leases", lease);
    if (first.kind !== "created") throw new Error(first.kind);
    await store.deleteIfMatch("fleet_leases", "job-1", "job-1", first.etag);
    expect(await store.create("fleet_leases", lease)).toMatchObject({ kind: "created" });
    expect(await store.replaceIfMatch("fleet_leases", lease, first.etag)).toEqual({ kind: "etag_mismatch" });
  });
});
