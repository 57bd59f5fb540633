/** Planted bugs: artifacts that nobody may add, that are lost or confused, and reports that are believed. */
import { CHANGE, mutant } from "./mutant.js";
import type { Mutant } from "./mutant.js";

const ADD = "core/add-artifact.ts";
const LIST = "core/list-artifacts.ts";
const POINTERS = "core/artifact-pointers.ts";

export const ARTIFACT_BUGS: readonly Mutant[] = [
  mutant(
    "an artifact is taken from whoever knows the epoch",
    ADD,
    `if (verdict.kind !== "current") return`,
    `if (verdict.kind === "stale_lease") return`,
    "artifact",
  ),
  mutant(
    "an artifact is fenced by the holder alone",
    ADD,
    `if (verdict.kind !== "current") return`,
    `if (verdict.kind !== "current" && job.holderFactoryId !== request.factoryId) return`,
    "artifact",
  ),
  mutant(
    "an event leaves the job before its artifact has a pointer",
    CHANGE,
    "    storePointersInOutbox(fleet, job),\n",
    "",
    "artifact",
  ),
  mutant(
    "a name looks free while its pointer waits in the outbox",
    POINTERS,
    "return stored?.doc ?? pointersInOutbox(job).find((pointer) => pointer.id === id);",
    "return stored?.doc;",
    "artifact ∥ its own duplicate",
  ),
  mutant(
    "a name is taken for the same whatever the epoch",
    POINTERS,
    "const id = artifactId(job.id, leaseEpoch, name);",
    "const id = artifactId(job.id, Math.min(1, leaseEpoch), name);",
    "and the next owner's of the same name",
  ),
  mutant(
    "an artifact that is described otherwise is given the first one's place",
    ADD,
    "if (!sameJson(known.reported, reported))",
    "if (known.reported.contentType !== reported.contentType)",
    "one name of an artifact",
  ),
  mutant(
    "a listing forgets what waits in the outbox",
    LIST,
    "const waiting = pointersInOutbox(job).filter(",
    "const waiting = pointersInOutbox({ ...job, outbox: [] }).filter(",
    "artifact",
  ),
  mutant(
    "the size of an artifact is believed",
    LIST,
    "const size = { contentType, sizeBytes };",
    "const size = { contentType, sizeBytes: pointer.reported.sizeBytes ?? sizeBytes };",
    "list",
  ),
  mutant(
    "an artifact is added without its event",
    ADD,
    "const next = advance(job.stage, job, happening, fleet.clock.now());",
    "const next = { ...job, outbox: advance(job.stage, job, happening, fleet.clock.now()).outbox };",
    "artifact",
  ),
];
