import azf from "@azure/functions";
import { describe, expect, it } from "vitest";
import { correlationOf, timerCorrelation } from "../../functions/http/correlation.js";
import { correlation } from "../../shared/schema/decision.js";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const OTHER = "4bf92f3577b34da6a3ce929d0e0e4736";
const traceparent = (traceId: string, version = "00") => `${version}-${traceId}-b7ad6b7169203331-01`;

function of(headers: Record<string, string>, traceParent?: string) {
  const request = new azf.HttpRequest({ method: "GET", url: "http://localhost/fleet/stats", headers });
  const context = traceParent === undefined ? {} : { traceContext: { traceParent } };
  return correlation.parse(correlationOf(request, context, { unique: () => "made-1" }));
}

describe("the ids of a request", () => {
  it("are the caller's, where it sent them", () => {
    expect(of({ "x-request-id": "mine-1", traceparent: traceparent(TRACE) }, traceparent(OTHER))).toEqual({
      requestId: "mine-1",
      traceId: TRACE,
    });
  });

  it("are the platform's trace, where the caller sent none", () => {
    expect(of({}, traceparent(OTHER))).toEqual({ requestId: "made-1", traceId: OTHER });
  });

  it("are there where nobody traces, and the same for the same request id", () => {
    const made = of({ "x-request-id": "again" });
    expect(of({ "x-request-id": "again" })).toEqual(made);
    expect(of({ "x-request-id": "another" }).traceId).not.toBe(made.traceId);
  });

  it.each([
    ["of a later version, with more behind it", `${traceparent(TRACE, "cc")}-more`, TRACE],
    ["of all zeros", traceparent("0".repeat(32)), undefined],
    ["of the version that is none", traceparent(TRACE, "ff"), undefined],
    ["in capitals", traceparent(TRACE.toUpperCase()), undefined],
    ["with a parent of all zeros", `00-${TRACE}-${"0".repeat(16)}-01`, undefined],
    ["that is a log line", `00-${TRACE}\n{"decision":"shipped"}`, undefined],
    ["that is empty", "", undefined],
  ])("take a traceparent %s for what it is", (_what, header, traceId) => {
    const made = of({}).traceId;
    // A header can't hold a line break; the platform's context could.
    expect(of({}, header).traceId).toBe(traceId ?? made);
  });

  it("of a timer are those of its invocation", () => {
    const context = { invocationId: "i-1", traceContext: { traceParent: traceparent(TRACE) } };
    expect(timerCorrelation(context)).toEqual({ requestId: "i-1", traceId: TRACE });
  });
});
