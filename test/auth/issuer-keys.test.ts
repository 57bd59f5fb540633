/** The issuer's keys over its ups and downs, on a clock of the test's. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Tokens } from "../../shared/auth/callers.js";
import { entraTokens } from "../../shared/auth/entra.js";
import { AUDIENCE, TENANT, aKey, anIssuer } from "../support/issuer.js";
import type { Issuer } from "../support/issuer.js";

let nowMs: number;
let issuer: Issuer;
let tokens: Tokens;
beforeEach(async () => {
  nowMs = Date.UTC(2026, 5, 1);
  issuer = await anIssuer(() => nowMs);
  const { authority } = issuer;
  tokens = entraTokens({ tenantId: TENANT, audience: AUDIENCE, authority }, { now: () => nowMs });
});
afterEach(() => issuer.stop());

const later = (seconds: number): void => void (nowMs += seconds * 1000);
/** How a new token of the issuer fares. */
const fares = async (key = issuer.keys[0]): Promise<string> => {
  const outcome = await tokens.check(await issuer.token({}, key));
  return outcome.kind === "refused" ? outcome.why : outcome.kind;
};

describe("the issuer's keys", () => {
  it("are asked for by the first token, once for all that come together, and not again for each", async () => {
    expect(issuer.asked).toBe(0);
    expect(await Promise.all(Array.from({ length: 20 }, () => fares()))).toEqual(Array(20).fill("known"));
    later(60);
    expect(await fares()).toBe("known");
    expect(issuer.asked).toBe(1);
  });

  it("may change: a token under a new one makes us look again", async () => {
    expect(await fares()).toBe("known");
    later(31);
    const [old] = issuer.keys;
    issuer.keys = [await aKey(), ...issuer.keys];
    expect(await fares()).toBe("known");
    // Tokens that were signed before go on counting.
    expect(await fares(old)).toBe("known");
    expect(issuer.asked).toBe(2);
  });

  it("lose a key when the issuer takes it back", async () => {
    expect(await fares()).toBe("known");
    const [old] = issuer.keys;
    issuer.keys = [await aKey()];
    later(600);
    expect(await fares(old)).toBe("bad_signature");
    expect(await fares()).toBe("known");
  });

  it("are not asked for at the will of whoever makes up keys", async () => {
    const stranger = await aKey();
    expect(await fares()).toBe("known");
    for (let second = 0; second < 60; second++) {
      expect(await fares(stranger)).toBe("bad_signature");
      later(1);
    }
    expect(issuer.asked).toBe(2);
  });
});

describe("an issuer that can't be reached", () => {
  it.each(["down", "failing", "confused"] as const)(
    "and is %s lets nobody in, and calls no token wrong",
    async (mood) => {
      issuer.mood = mood;
      const outcome = await tokens.check(await issuer.token());
      expect(outcome).toMatchObject({ kind: "unchecked", retryAfterSeconds: 5 });
      expect(outcome).toHaveProperty("cause.name", "KeysUnavailable");
    },
  );

  it("or publishes a key that can't be used lets nobody in under that", async () => {
    const [key] = issuer.keys;
    if (key === undefined) throw new Error("no key");
    issuer.keys = [{ ...key, published: { ...key.published, n: "AQAB" } }];
    expect(await fares(key)).toBe("unchecked");
  });

  it("is not waited for longer than a few seconds", async () => {
    issuer.mood = "silent";
    expect(await fares()).toBe("unchecked");
  });

  it("is asked again after five seconds, not at each token; and then all is well", async () => {
    issuer.mood = "down";
    expect(await fares()).toBe("unchecked");
    expect(await fares()).toBe("unchecked");
    issuer.mood = "well";
    later(4);
    expect(await fares()).toBe("unchecked");
    expect(issuer.asked).toBe(1);
    later(1);
    expect(await fares()).toBe("known");
  });

  it("leaves the keys that we have as they are, for a day", async () => {
    expect(await fares()).toBe("known");
    issuer.mood = "down";
    later(86_399);
    expect(await fares()).toBe("known");
    later(1);
    expect(await fares()).toBe("unchecked");
    issuer.mood = "well";
    later(5);
    expect(await fares()).toBe("known");
  });

  it("is asked once a minute while there are keys, so that tokens hardly wait for it", async () => {
    expect(await fares()).toBe("known");
    issuer.mood = "down";
    later(600);
    for (let second = 0; second < 60; second++) {
      expect(await fares()).toBe("known");
      later(1);
    }
    expect(issuer.asked).toBe(2);
    issuer.mood = "well";
    expect(await fares()).toBe("known");
    expect(issuer.asked).toBe(3);
  });

  it("may have a new key that we can't see: its tokens are not called wrong either", async () => {
    expect(await fares()).toBe("known");
    later(31);
    issuer.mood = "down";
    const fresh = await aKey();
    expect(await fares(fresh)).toBe("unchecked");
    // Those under a key that we have pass all the while.
    expect(await fares()).toBe("known");
    issuer.mood = "well";
    issuer.keys = [fresh, ...issuer.keys];
    later(5);
    expect(await fares(fresh)).toBe("known");
  });
});

it("a clock that is set back by hours keeps nobody out", async () => {
  expect(await fares()).toBe("known");
  later(-7 * 3600);
  expect(await fares()).toBe("known");
  expect(issuer.asked).toBe(2);
});
