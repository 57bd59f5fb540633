/** What a job's copies and a product's lists say: runs, profiles, artifacts, totals. Each version is held against its rules. */
import type { Artifact } from "../../shared/schema/artifact.js";
import type { Lanes } from "../../shared/schema/lane.js";
import type { Profile } from "../../shared/schema/profile.js";
import type { Run } from "../../shared/schema/run.js";
import type { Totals } from "../../shared/schema/totals.js";
import { KnownLanes } from "./lane-rules.js";
import { KnownArtifacts } from "./artifact-rules.js";
import { checkRun } from "./bill-rules.js";
import { documents } from "./documents.js";
import type { KeptMap, Memory } from "./memory.js";
import type { Doc } from "./operation.js";
import { checkProfile, checkRunProfile, profileName } from "./profile-rules.js";
import type { At } from "./seen.js";
import type { SimBlobs } from "./sim-blobs.js";
import type { SimStore } from "./sim-store.js";
import { Ledger } from "./totals-rules.js";

type RecordContainer = "fleet_runs" | "fleet_profiles" | "fleet_artifacts" | "fleet_totals" | "fleet_lanes";

export class Records {
  /** By product and name. */
  readonly profiles: KeptMap<string, readonly At<Profile>[]>;
  readonly artifacts: KnownArtifacts;
  /** The latest version of each run document, by its id. */
  readonly runs: KeptMap<string, Run>;
  /** What runs used, and what the totals say of it. */
  readonly ledger: Ledger;
  readonly lanes: KnownLanes;

  constructor(store: SimStore, blobs: SimBlobs, memory: Memory) {
    this.profiles = memory.map();
    this.artifacts = new KnownArtifacts(blobs, memory);
    this.runs = memory.map();
    this.ledger = new Ledger(memory);
    this.lanes = new KnownLanes(memory);
    for (const run of documents<Run>(store, "fleet_runs")) {
      this.runs.set(run.id, run);
      this.ledger.ran(run);
    }
    for (const totals of documents<Totals>(store, "fleet_totals")) this.ledger.counted(totals);
    for (const lanes of documents<Lanes>(store, "fleet_lanes")) this.lanes.wrote(lanes);
    for (const profile of documents<Profile>(store, "fleet_profiles")) this.#remember(profile, 0);
  }

  protected wroteRecord(container: RecordContainer, before: Doc | undefined, after: Doc, step: number): void {
    switch (container) {
      case "fleet_runs": {
        const run = after as unknown as Run;
        checkRun(this.runs.get(run.id), run);
        checkRunProfile(this.profiles, before as unknown as Run | undefined, run);
        this.runs.set(run.id, run);
        this.ledger.ran(run);
        return;
      }
      case "fleet_lanes":
        this.lanes.wrote(after as unknown as Lanes);
        return;
      case "fleet_totals":
        this.ledger.counted(after as unknown as Totals);
        return;
      case "fleet_profiles":
        checkProfile(this.profiles, before, after as unknown as Profile);
        this.#remember(after as unknown as Profile, step);
        return;
      case "fleet_artifacts":
        this.artifacts.checkPointer(before as unknown as Artifact | undefined, after as unknown as Artifact);
    }
  }

  #remember(profile: Profile, step: number): void {
    const name = profileName(profile);
    this.profiles.set(name, [...(this.profiles.get(name) ?? []), { step, doc: profile, by: "" }]);
  }
}
