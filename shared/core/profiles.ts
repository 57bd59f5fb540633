/**
 * Profiles: named agent set-ups, in versions that never change. A version's id is its name and number, so
 * creating the document *is* taking the number, and no number is given twice.
 *
 * The same content is the same version, whichever it was: the versions up to the latest that was seen are
 * searched for it, and those behind it are met one by one on the way to a free number. So the latest is
 * read *before* the search: a version that came in between the two would else be in neither.
 */
import { SCHEMA_VERSION } from "../schema/limits.js";
import type { Profile } from "../schema/profile.js";
import { toInstant } from "../schema/primitives.js";
import type { Fleet } from "./fleet.js";
import { hashJson } from "./hash.js";
import { StoreThrottled } from "./ports/store.js";

/** Numbers tried, each lost to another content at the same moment: more is a stampede on one profile. */
const PUT_TRIES_MAX = 20;

export interface ProfilePut {
  readonly kind: "created" | "existing";
  readonly profile: Profile;
}

/**
 * Makes `snapshot` the next version of the profile, or finds the version that it is already. Repeatable.
 * Throws `StoreThrottled` when too many others were faster.
 */
export async function putProfile(
  fleet: Fleet,
  productId: string,
  name: string,
  snapshot: unknown,
): Promise<ProfilePut> {
  const contentHash = hashJson(snapshot);
  const latest = await fleet.profiles.latest(productId, name);
  if (latest?.contentHash === contentHash) return { kind: "existing", profile: latest };
  const same = latest && (await fleet.profiles.withContent(productId, name, contentHash));
  if (same !== undefined) return { kind: "existing", profile: same };

  const createdAt = toInstant(fleet.clock.now());
  const content = { productId, schemaVersion: SCHEMA_VERSION, name, contentHash, snapshot, createdAt };
  const next = (latest?.version ?? 0) + 1;
  for (let version = next; version < next + PUT_TRIES_MAX; version++) {
    const profile: Profile = { ...content, id: `${name}:${version}`, version };
    if ((await fleet.profiles.create(profile)).kind === "created") return { kind: "created", profile };
    const taken = (await fleet.profiles.get(productId, profile.id))?.doc;
    if (taken?.contentHash === contentHash) return { kind: "existing", profile: taken };
  }
  throw new StoreThrottled(1, new Error(`${PUT_TRIES_MAX} versions of ${name} went to others`));
}

/** One version of a profile, the latest without a number; undefined where there is none. */
export async function readProfile(
  fleet: Fleet,
  productId: string,
  name: string,
  version: number | undefined,
): Promise<Profile | undefined> {
  if (version === undefined) return fleet.profiles.latest(productId, name);
  return (await fleet.profiles.get(productId, `${name}:${version}`))?.doc;
}

/**
 * The version that a job's `profile` stands for now. Undefined where somebody deleted it by hand: it was
 * there when the job was submitted, and no code of ours deletes one.
 */
export async function resolveProfile(
  fleet: Fleet,
  productId: string,
  ref: string,
): Promise<Profile | undefined> {
  const [name = "", version] = ref.split(":");
  const found = await readProfile(
    fleet,
    productId,
    name,
    version === undefined ? undefined : Number(version),
  );
  if (found === undefined) fleet.log.error(`the profile ${ref} is gone, though no profile is ever deleted`);
  return found;
}

/** `ref`, if the product has no such profile. One point read: whatever has a version has a first one. */
export async function findUnknown(
  fleet: Fleet,
  productId: string,
  ref: string | undefined,
): Promise<string | undefined> {
  if (ref === undefined) return undefined;
  const found = await fleet.profiles.get(productId, ref.includes(":") ? ref : `${ref}:1`);
  return found === undefined ? ref : undefined;
}
