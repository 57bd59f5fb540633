import { describe, expect, it } from "vitest";
import { containers, documentSchemas } from "../../shared/schema/containers.js";
import type { ContainerName } from "../../shared/schema/containers.js";
import { aDocument } from "../support/documents.js";

const names = Object.keys(documentSchemas) as ContainerName[];

/** For each container, what is wrong with a document and where the schema must say so. */
const FAULTS: Record<ContainerName, [what: string, fault: object, path: string][]> = {
  fleet_jobs: [
    ["a stage that does not exist", { stage: "done" }, "stage"],
    ["a priority that does not exist", { priority: "urgent" }, "priority"],
    ["a kind that does not exist", { kind: "tree" }, "kind"],
    ["a negative epoch", { leaseEpoch: -1 }, "leaseEpoch"],
    ["an instant without milliseconds", { createdAt: "2026-01-15T12:00:00Z" }, "createdAt"],
    ["an unknown part of a checkpoint", { checkpoint: { branch: "x" } }, "checkpoint"],
    ["instructions over 256 KiB", { bodyMd: "é".repeat(128 * 1024 + 1) }, "bodyMd"],
    ["a manifest over 64 KiB", { manifestSnapshot: { x: "y".repeat(64 * 1024) } }, "manifestSnapshot"],
    ["65 deps", { deps: Array.from({ length: 65 }, (_, n) => `d${n}`) }, "deps"],
    ["a capability with a line break", { capabilities: ["big\ngpu"] }, "capabilities.0"],
    [
      "an event of a type that does not exist",
      { outbox: [{ seq: 1, type: "moved", at: "x", data: {} }] },
      "outbox.0.type",
    ],
  ],
  fleet_runs: [
    ["no job", { jobId: undefined }, "jobId"],
    ["tokens below zero", { insights: { tokensIn: -1 } }, "insights.tokensIn"],
    ["a broken exit code", { exit: 1.5 }, "exit"],
  ],
  fleet_leases: [
    ["a status that does not exist", { status: "lost" }, "status"],
    ["a lease of two hours", { leaseSeconds: 7200 }, "leaseSeconds"],
  ],
  fleet_factories: [
    ["a health that does not exist", { health: "fine" }, "health"],
    ["half a seat", { seatLimit: 0.5 }, "seatLimit"],
    ["a load below zero", { load: -1 }, "load"],
  ],
  fleet_profiles: [
    ["version zero", { version: 0 }, "version"],
    ["no snapshot", { snapshot: undefined }, "snapshot"],
    ["a snapshot that is a list", { snapshot: [] }, "snapshot"],
    ["a snapshot of more than 64 KiB", { snapshot: { x: "x".repeat(64 * 1024) } }, "snapshot"],
    ["a name with a colon", { name: "careful:1" }, "name"],
  ],
  fleet_events: [
    ["a type that does not exist", { type: "done" }, "type"],
    ["sequence number zero", { seq: 0 }, "seq"],
  ],
  fleet_artifacts: [
    ["a name with a path", { name: "../log.txt" }, "name"],
    ["a digest that is none", { found: { contentType: "a/b", sizeBytes: 1, sha256: "abc" } }, "found.sha256"],
    ["a type that would end a header", { reported: { contentType: "a/b\r\nx: y" } }, "reported.contentType"],
  ],
  fleet_lanes: [
    ["lanes without names", { lanes: [] }, "lanes"],
    [
      "a lane without its capabilities",
      { lanes: { l1: { engineClass: "claude" } } },
      "lanes.l1.capabilities",
    ],
    [
      "an engine class with a line break",
      { lanes: { l1: { capabilities: [], engineClass: "a\nb" } } },
      "lanes.l1.engineClass",
    ],
  ],
  fleet_totals: [
    ["half a run", { runs: 0.5 }, "runs"],
    ["a sum below zero", { insights: { costUsd: -1 } }, "insights.costUsd"],
    ["a sum of models", { superseded: { runs: 0, insights: { model: "opus" } } }, "superseded.insights"],
  ],
};

describe.each(names)("a document of %s", (container) => {
  const schema = documentSchemas[container];

  it("is valid as the code writes it", () => {
    const doc = aDocument[container]();
    expect(schema.parse(doc)).toEqual(doc);
  });

  it("belongs to a product: without productId it is refused, and so is an empty one", () => {
    for (const productId of [undefined, "", "a/b", ".."]) {
      const parsed = schema.safeParse({ ...aDocument[container](), productId });
      expect(parsed.error?.issues.map(({ path }) => path.join("."))).toEqual(["productId"]);
    }
  });

  it.each(FAULTS[container])("with %s is refused, and the error says where", (_what, fault, path) => {
    const parsed = schema.safeParse({ ...aDocument[container](), ...fault });
    expect(parsed.error?.issues[0]?.path.join(".")).toBe(path);
  });
});

describe("infra/containers.json", () => {
  it("defines exactly the containers that the code has schemas for", () => {
    expect(containers.map(({ id }) => id)).toEqual(names);
  });

  it.each(containers)("$id is partitioned by a property that its documents have", (container) => {
    const field = container.partitionKey.paths[0].slice(1);
    expect(aDocument[container.id]()).toHaveProperty(field);
  });

  it("allows a time to live where history is kept, and nowhere else", () => {
    const mayExpire = containers.filter(({ defaultTtl }) => defaultTtl === -1).map(({ id }) => id);
    expect(mayExpire).toEqual(["fleet_runs", "fleet_leases", "fleet_events", "fleet_artifacts"]);
  });

  it.each(containers)("$id indexes nothing but what is named", ({ indexingPolicy }) => {
    expect(indexingPolicy.excludedPaths).toEqual([{ path: "/*" }]);
  });
});
