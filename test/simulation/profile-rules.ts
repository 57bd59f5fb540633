/** What must hold of profiles: their versions, and the runs that work with them. */
import type { Profile } from "../../shared/schema/profile.js";
import type { Run } from "../../shared/schema/run.js";
import type { At } from "./seen.js";
import { Violation } from "./violation.js";

/** By product and name, each version from the step at which it came to be the latest. */
export type Profiles = ReadonlyMap<string, readonly At<Profile>[]>;

export function profileName({ productId, name }: Pick<Profile, "productId" | "name">): string {
  return `${productId}/${name}`;
}

/** Versions count from 1 without a gap, never change, and no two hold the same. */
export function checkProfile(profiles: Profiles, before: unknown, profile: Profile): void {
  if (before !== undefined) throw new Violation("profile", `${profile.id} changed`);
  const known = profiles.get(profileName(profile)) ?? [];
  if (profile.version !== known.length + 1 || profile.id !== `${profile.name}:${profile.version}`)
    throw new Violation("profile", `${profile.id} comes after ${known.length} versions`);
  const same = known.find(({ doc }) => holds(doc) === holds(profile));
  if (same !== undefined) throw new Violation("profile", `${profile.id} holds what ${same.doc.id} holds`);
}

/** A run has what its version holds, and keeps its version. */
export function checkRunProfile(profiles: Profiles, before: Run | undefined, run: Run): void {
  if (before !== undefined && before.profile !== run.profile)
    throw new Violation("profile", `a run of ${before.profile ?? "no profile"} became one of another`);
  if (run.profile === undefined) return;
  const [name = ""] = run.profile.split(":");
  const all = profiles.get(profileName({ productId: run.productId, name })) ?? [];
  const found = all.find(({ doc }) => doc.id === run.profile);
  if (found === undefined) throw new Violation("profile", `a run has ${run.profile}, which never was`);
  if (JSON.stringify(run.profileSnapshot) !== holds(found.doc))
    throw new Violation("profile", `a run of ${run.profile} holds something else`);
}

export function holds(profile: Profile): string {
  return JSON.stringify(profile.snapshot);
}
