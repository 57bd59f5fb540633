/** A client that puts profiles, and what a claim is told of its job's. */
import { putProfile } from "../../shared/core/profiles.js";
import type { Job } from "../../shared/schema/job.js";
import type { Run } from "../../shared/schema/run.js";
import { effectsOf, tell } from "./answer-rules.js";
import type { Told } from "./answer-rules.js";
import { checkRunProfile, holds, profileName } from "./profile-rules.js";
import type { Self } from "./run.js";
import { during } from "./seen.js";
import { Violation } from "./violation.js";

/** A claim's run has the version that its job names, or one that was the latest between call and answer. */
export function checkGrantedProfile(told: Told, job: Job, run: Run): void {
  const { profiles } = told.self.monitor;
  if ((job.profile === undefined) !== (run.profile === undefined))
    throw new Violation("profile", `a job of ${job.profile ?? "no profile"} has a run of another`);
  checkRunProfile(profiles, undefined, run);
  if (job.profile === undefined || job.profile === run.profile) return;
  const latest = during(
    profiles.get(profileName({ productId: job.productId, name: job.profile })),
    told.from,
  );
  const isNew = effectsOf(told, ["claimed"]).length > 0;
  if (isNew && !latest.some(({ doc }) => doc.id === run.profile))
    throw new Violation("profile", `a run has ${run.profile ?? ""}, which was not the latest meanwhile`);
}

export function doPut(self: Self, name: string, snapshot: object) {
  return tell(
    self,
    undefined,
    (fleet) => putProfile(fleet, self.productId, name, snapshot),
    ({ kind, profile }, told) => {
      const all = self.monitor.profiles.get(profileName(profile)) ?? [];
      const found = all.find(({ doc }) => doc.id === profile.id);
      if (found === undefined || holds(found.doc) !== JSON.stringify(snapshot))
        throw new Violation("profile", `${profile.id} was answered, which does not hold what was put`);
      const did = effectsOf(told, ["profile"]).length;
      if (did !== (kind === "created" ? 1 : 0))
        throw new Violation("profile", `a put was told ${kind}, and made ${did} versions`);
    },
  );
}
