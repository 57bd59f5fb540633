/** Planted bugs: batches and profiles. */
import { CLAIM, mutant } from "./mutant.js";
import type { Mutant } from "./mutant.js";

const BATCH = "core/batch.ts";
const PROFILES = "core/profiles.ts";
const REHEARSAL = "core/rehearsal.ts";
const RUNS = "core/run-history.ts";

export const GRAPHS: readonly Mutant[] = [
  mutant(
    "a batch does not wait for what its jobs depend on",
    BATCH,
    "for (const level of levels) {",
    "for (const level of [levels.flat().toReversed()]) {",
    "batch",
  ),
  mutant(
    "a batch answers in the order in which it wrote",
    BATCH,
    "results[index] = await one(index, submission);",
    "results.splice(results.length, 0, await one(index, submission));",
    "batch",
  ),
  mutant(
    "a batch is judged by writing it",
    REHEARSAL,
    `? { kind: "created", etag: put(doc) }`,
    `? ((await fleet.jobs.create(doc)) && { kind: "created", etag: put(doc) })`,
    "batch",
  ),
  mutant(
    "a batch goes on behind a job that was refused",
    BATCH,
    `      if (!("job" in before)) return { kind: "not_tried", because: { index: dep, refusal: before } };\n`,
    "",
    "batch that supersedes",
  ),
  mutant(
    "one entry that was throttled stands for a batch of which something was done",
    BATCH,
    "if (results.every(({ kind })",
    "if (results.some(({ kind })",
    "beside one another",
  ),
  mutant(
    "two puts of one content at once make two versions",
    PROFILES,
    "if (taken?.contentHash === contentHash) return",
    `if (taken?.contentHash === "") return`,
    "same content",
  ),
  mutant(
    "a put searches for its content before it looks which version is the latest",
    PROFILES,
    "const next = (latest?.version ?? 0) + 1;",
    "const next = ((await fleet.profiles.latest(productId, name))?.version ?? 0) + 1;",
    "same content",
  ),
  mutant(
    "a put takes a number that is taken for its own",
    PROFILES,
    `if ((await fleet.profiles.create(profile)).kind === "created") return`,
    `if ((await fleet.profiles.create(profile)).kind !== undefined) return`,
    "put",
  ),
  {
    name: "a claim shows what the profile holds when it is answered",
    edits: [
      {
        file: CLAIM,
        find: "const run = await withSnapshot(fleet, bare, claim.profile);",
        replace: `const now = job.profile && (await resolveProfile(fleet, job.productId, job.profile));
  const run = await withSnapshot(fleet, bare, now ? { ...now, id: bare.profile ?? "" } : undefined);`,
      },
      {
        file: CLAIM,
        find: `import { reapForClaim } from "./reap-for-claim.js";`,
        replace: `import { resolveProfile } from "./profiles.js";
import { reapForClaim } from "./reap-for-claim.js";`,
      },
    ],
    shownBy: "claim of a job with a profile ∥ put",
  },
  mutant(
    "a claim takes the last version that it read for the one that it wrote",
    RUNS,
    "known?.id === run.profile ? known",
    "known !== undefined ? known",
    "its write is late",
  ),
  mutant(
    "a run that is made again holds the profile's latest version",
    RUNS,
    ": await resolveProfile(fleet, run.productId, run.profile);",
    `: await resolveProfile(fleet, run.productId, run.profile.split(":")[0] ?? "");`,
    "never stored",
  ),
];
