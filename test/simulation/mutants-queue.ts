/** Planted bugs: lanes, candidates that claims share, and what an instance remembers. */
import { CLAIM, LANES, LEASE, RENEW, SUBMIT, mutant } from "./mutant.js";
import type { Mutant } from "./mutant.js";

const ENSURE = `  if ((await ensureLane(fleet, productId, content)) === "too_many") return { kind: "too_many_lanes" };\n`;
const EXTEND =
  "const extended = await extendLease(fleet, read, request.leaseSeconds ?? read.doc.leaseSeconds);";

export const QUEUE: readonly Mutant[] = [
  {
    name: "a job is written before its lane",
    edits: [
      { file: SUBMIT, find: ENSURE, replace: "" },
      {
        file: SUBMIT,
        find: `    if (created.kind === "created") {\n`,
        replace: `    if (created.kind === "created") {\n      await ensureLane(fleet, productId, content);\n`,
      },
    ],
    shownBy: "new lane",
  },
  mutant(
    "a lane is taken for registered when its write had no answer",
    LANES,
    "    await write(fleet, read, next);\n",
    `    await write(fleet, read, next);\n    return "there";\n`,
    "new lane",
  ),
  mutant(
    "lanes are written over what another registered",
    LANES,
    "    else await fleet.lanes.replaceIfMatch(read, next);",
    "    else await fleet.lanes.replaceIfMatch((await fleet.lanes.get(next.productId, next.id)) ?? read, next);",
    "two new lanes",
  ),
  mutant(
    "an instance remembers the lane that it is about to register",
    LANES,
    `    if (isFull(next)) return "too_many";\n`,
    `    if (isFull(next)) return "too_many";
    remember(fleet.knownLanes, productId, new Set(Object.keys(next.lanes)), PRODUCTS_MAX);\n`,
    "by one instance",
  ),
  mutant(
    "a rehearsal teaches the instance its lanes",
    "core/rehearsal.ts",
    "    knownLanes: new Map(),\n",
    "",
    "batch into new lanes",
  ),
  mutant(
    "the name of a lane leaves the engine class and all but one capability out",
    LANES,
    "[...new Set(capabilities)].sort(), engineClass ?? null]",
    "[...new Set(capabilities)].sort().slice(0, 1), engineClass ?? null]",
    "two new lanes",
  ),
  mutant(
    "a job without a lane stays without one",
    LANES,
    `? { kind: "write", next: { ...now, lane: laneOf(now) }, answer: undefined }`,
    `? { kind: "settled", answer: undefined }`,
    "without a lane",
  ),
  mutant(
    "a remembered lease is taken for extended",
    RENEW,
    EXTEND,
    `const extended = own ?? (await extendLease(fleet, read, request.leaseSeconds ?? read.doc.leaseSeconds));`,
    "by one instance",
  ),
  mutant(
    "a remembered lease is written over whatever came since",
    RENEW,
    "const own = ownLease(remembered, productId, request);",
    `const now = await fleet.leases.get(jobId, jobId);
  const own = ownLease(remembered && now && { doc: remembered.doc, etag: now.etag }, productId, request);`,
    "by one instance",
  ),
  mutant(
    "a lease that was read ahead is ended though it is the next owner's",
    LEASE,
    "if (settled !== undefined) return settled;\n",
    `if (settled !== undefined) return settled;
  if (ahead !== undefined) {
    const next = await fleet.leases.get(job.id, job.id);
    return next && settle(next);
  }\n`,
    "release",
  ),
  mutant(
    "a claim gets its lease, and is told so, though its job was lost meanwhile",
    CLAIM,
    `  if (grant.kind === "revoked") return { kind: "nothing", reason: "contended" };`,
    `  if (grant.kind === "revoked") {
    const lease = (await fleet.leases.get(job.id, job.id))?.doc as HeldLease;
    return { kind: "claimed", job, lease, run };
  }`,
  ),
];
