/**
 * The issuer's public keys: when they are fetched, and how long they are believed.
 *
 * - Fetched by the first token, and again by the first one after `FRESH_MS`, which waits for it: nothing
 *   runs on behind an answer.
 * - A token under a key that is not among them asks for them again, for issuers change their keys; forged
 *   ones ask no more often than every `UNKNOWN_KEY_GAP_MS`.
 * - While the issuer is down, keys that are there go on counting, up to `USABLE_MS`. An issuer that takes
 *   a key back is believed within `FRESH_MS` as long as it can be reached.
 * - Without keys no token passes, and none is called wrong: `KeysUnavailable`.
 *
 * The library fetches, with a time-out, once for all who wait; but its own cache forgets keys after its
 * age whether or not there are newer ones, and asks again at each request while that fails. So its timing
 * is turned off, and ours is here.
 */
import { JWKSNoMatchingKey } from "jose/errors";
import { createRemoteJWKSet } from "jose/jwks/remote";
import type { Clock } from "../core/ports/runtime.js";

/** Before they are fetched again: so long may a key count that the issuer took back. */
const FRESH_MS = 10 * 60_000;
/** The issuer may be down for a day; Entra announces keys days before it signs with them. */
const USABLE_MS = 24 * 3_600_000;
/** Between two fetches for a key that was not there: whoever makes up keys must not make us a burden to the issuer. */
const UNKNOWN_KEY_GAP_MS = 30_000;
/** Between a fetch that failed and the next, where a token waits for its key. */
export const RETRY_GAP_MS = 5000;
/** The same where it has one, and would wait for nothing but a newer set. */
const REFRESH_GAP_MS = 60_000;
/** The issuer's answer takes this long at most: a request waits for it. */
const FETCH_MS_MAX = 3000;

/** The issuer's keys can't be had, so no signature can be checked. */
export class KeysUnavailable extends Error {
  constructor(cause: unknown) {
    super("the issuer's keys can't be had", { cause });
    this.name = "KeysUnavailable";
  }
}

type KeySet = ReturnType<typeof createRemoteJWKSet>;
export type FindKey = (...asked: Parameters<KeySet>) => ReturnType<KeySet>;

/** Finds the key that a token says it is signed with. Throws the library's errors, or `KeysUnavailable`. */
export function issuerKeys(url: URL, clock: Clock): FindKey {
  const keys = createRemoteJWKSet(url, {
    timeoutDuration: FETCH_MS_MAX,
    cacheMaxAge: Infinity,
    cooldownDuration: Infinity,
  });
  let got = -Infinity;
  let failed: { readonly at: number; readonly error: unknown } | undefined;
  // A clock that was set back makes all of it due, rather than nothing for as long as it was.
  const since = (instant: number): number => Math.abs(clock.now() - instant);

  const fetchUnlessJustFailed = async (gapMs = RETRY_GAP_MS): Promise<void> => {
    if (failed !== undefined && since(failed.at) < gapMs) return;
    try {
      await keys.reload();
      got = clock.now();
      failed = undefined;
    } catch (error) {
      failed = { at: clock.now(), error };
    }
  };

  return async (header, token) => {
    const usable = since(got) < USABLE_MS;
    if (since(got) >= FRESH_MS) await fetchUnlessJustFailed(usable ? REFRESH_GAP_MS : RETRY_GAP_MS);
    if (since(got) >= USABLE_MS) throw new KeysUnavailable(failed?.error);
    try {
      return await keys(header, token);
    } catch (error) {
      const isNew = error instanceof JWKSNoMatchingKey && since(got) >= UNKNOWN_KEY_GAP_MS;
      if (!isNew) throw error;
      await fetchUnlessJustFailed();
      // It may be signed with a key that we can't see.
      if (failed !== undefined) throw new KeysUnavailable(failed.error);
      return keys(header, token);
    }
  };
}
