import type { InvocationContext } from "@azure/functions";
import { describe, expect, it } from "vitest";
import { describe as told } from "../../functions/http/failures.js";
import { logTo } from "../../functions/http/log.js";
import { redact } from "../../functions/http/redact.js";

const key = "A1b2".repeat(21) + "xy==";
const random = "Ab3-_".repeat(9).slice(0, 43);

describe("the log", () => {
  it.each([
    ["a connection string", `AccountName=a;AccountKey=${key};x=1`, "AccountName=a;AccountKey=[secret];x=1"],
    ["an instrumentation key", "InstrumentationKey=0-1;In=2", "InstrumentationKey=[secret];In=2"],
    ["a signed URL", "GET http://h/c/b?sv=1&sig=a%2Fb%3D&se=2", "GET http://h/c/b?sv=1&sig=[secret]&se=2"],
    [
      "Cosmos DB's signature",
      "type%3Dmaster%26ver%3D1.0%26sig%3Dabc%3D",
      "type%3Dmaster%26ver%3D1.0%26sig%3D[secret]",
    ],
    [
      "a credential of a request",
      `{"authorization":"Bearer ${random}"}`,
      '{"authorization":"Bearer [secret]"}',
    ],
    ["an API key", `no such key: fleet_${random}.`, "no such key: fleet_[secret]."],
    ["an access token", "got eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.c2ln, sorry", "got [secret], sorry"],
    ["the key of an account", `key ${key}`, "key [secret]"],
  ])("holds no %s that an error quotes", (_, message, written) => {
    expect(redact(message)).toBe(written);
    const lines: string[] = [];
    const line = (text: string): void => void lines.push(text);
    const context: Pick<InvocationContext, "info" | "warn" | "error"> = {
      info: line,
      warn: line,
      error: line,
    };
    const log = logTo(context, { requestId: "r", traceId: "0".repeat(32) }, undefined);
    const error = new Error("outer", { cause: new Error(message) });
    log.info(message);
    log.warn(told(error));
    log.error(told(error));
    expect(lines[0]).toBe(written);
    for (const text of lines) {
      expect(text).toContain(written);
      expect(text).not.toContain(message);
    }
  });

  it("is otherwise written as it is", () => {
    const text = 'Error: sign=1 bearer of news, fleet_jobs, {"stage":"queued"}\n    at claim (a.js:1:2)';
    expect(redact(text)).toBe(text);
  });
});
