/** How API keys are compared. That they are told from one another is in access-matrix.test.ts. */
import { createHash } from "node:crypto";
import type * as Crypto from "node:crypto";
import azf from "@azure/functions";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { Problem } from "../../functions/http/answer.js";
import { authenticate } from "../../functions/http/credentials.js";
import type { Credential } from "../../functions/http/credentials.js";
import type { Log } from "../../shared/core/ports/runtime.js";

const compared: number[] = [];
vi.mock("node:crypto", async (original) => {
  const crypto = await original<typeof Crypto>();
  return {
    ...crypto,
    timingSafeEqual: (a: Uint8Array, b: Uint8Array) => {
      compared.push(a.byteLength);
      return crypto.timingSafeEqual(a, b);
    },
  };
});

const sha256 = (key: string): string => createHash("sha256").update(key).digest("hex");
const entry = (name: string, key = name): Credential => ({
  name,
  sha256: sha256(key),
  products: ["*"],
  roles: ["read"],
});
const ENTRIES = ["first", "second", "third", "last"].map((name) => entry(name));
const log: Log = {
  decision: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

const callWith = (authorization: string, credentials = ENTRIES) =>
  authenticate(
    new azf.HttpRequest({ method: "GET", url: "http://localhost/", headers: { authorization } }),
    { credentials },
    log,
  );

beforeEach(() => {
  compared.length = 0;
});

describe("an API key", () => {
  it.each(["first", "second", "last", "unknown", "x".repeat(8000)])(
    "is compared with every entry, found or not, hash by hash: %.10s",
    async (key) => {
      await callWith(`Bearer ${key}`);
      expect(compared).toEqual(ENTRIES.map(() => 32));
    },
  );

  it("may be the old or the new one of its name", async () => {
    const both = [entry("ci", "old"), ...ENTRIES, entry("ci", "new")];
    for (const key of ["old", "new"])
      expect(await callWith(`Bearer ${key}`, both)).toMatchObject({ name: "ci" });
    expect(await callWith("Bearer old", both.slice(1))).toBeInstanceOf(Problem);
  });

  it("may have dots, as a token has", async () => {
    expect(await callWith("Bearer a.b.c", [entry("dots", "a.b.c")])).toMatchObject({ name: "dots" });
  });

  it("is the whole of what follows the word Bearer, in whatever case that is", async () => {
    expect(await callWith("bearer  first")).toMatchObject({ name: "first" });
    for (const header of ["first", "Basic first", "Bearer", "Bearer ", "Bearer first second", "Bearer firs"])
      expect(await callWith(header), header).toBeInstanceOf(Problem);
    expect(await callWith(`Bearer ${sha256("first")}`)).toBeInstanceOf(Problem);
  });
});
