import { describe, expect, it } from "vitest";
import { DECISION_FIELDS, FAILURES, correlation, decision, isFailure } from "../../shared/schema/decision.js";
import type { Decision } from "../../shared/schema/decision.js";
import { EVENT_TYPES } from "../../shared/schema/event.js";
import { PROBLEMS } from "../../shared/schema/problems.js";
import type { ProblemCode } from "../../shared/schema/problems.js";
import { allDecisions } from "../support/decisions.js";

const names = [...DECISION_FIELDS.keys()];
/** What is on a line beside the decision itself. */
const ofTheRequest = Object.keys(correlation.shape);

describe("the list of decisions", () => {
  it("has an entry for everything that can happen to a job, and each name once", () => {
    expect(names).toEqual(expect.arrayContaining([...EVENT_TYPES]));
    expect(new Set(names).size).toBe(names.length);
    const options = decision.options.flatMap(({ shape }) => [...shape.decision.options] as string[]);
    expect(options).toHaveLength(names.length);
  });

  it("is closed: neither another decision nor another field compiles, and neither parses", () => {
    // @ts-expect-error -- not in the list
    const unknown: Decision = { decision: "guessed", productId: "acme" };
    const chatty: Decision = {
      decision: "claim_empty",
      productId: "acme",
      factoryId: "f1",
      reason: "no_job",
      // @ts-expect-error -- no such field
      bodyMd: "Build it.",
    };
    expect(decision.safeParse(unknown).success).toBe(false);
    expect(decision.safeParse(chatty).success).toBe(false);
  });

  it.each(names)("tells the ids of its request with %s, and its own name first", (name) => {
    const fields = DECISION_FIELDS.get(name) ?? [];
    expect(fields[0]).toBe("decision");
    expect(fields).toEqual(expect.arrayContaining(ofTheRequest));
  });

  it("holds no field for a text that a caller writes", () => {
    const fields = [...new Set([...DECISION_FIELDS.values()].flat())];
    const texts = [
      "bodyMd",
      "idempotencyKey",
      "claimId",
      "message",
      "detail",
      "title",
      "checkpoint",
      "result",
    ];
    expect(fields.filter((field) => texts.includes(field))).toEqual([]);
  });

  it("has an example of each in the tests, with every field that it may have", () => {
    for (const name of names) {
      const examples = allDecisions.filter((one) => one.decision === name);
      const fields = new Set([...examples.flatMap((one) => Object.keys(one)), ...ofTheRequest]);
      expect([...fields].toSorted()).toEqual([...(DECISION_FIELDS.get(name) ?? [])].toSorted());
      for (const one of examples) expect(decision.parse(one)).toEqual(one);
    }
  });
});

it("a failure on our side is 5xx, or the store's throttling", () => {
  const codes = Object.keys(PROBLEMS) as ProblemCode[];
  const ours = codes.filter((code) => PROBLEMS[code].status >= 500 || code === "throttled");
  expect([...FAILURES].toSorted()).toEqual(ours.toSorted());
  expect(codes.filter(isFailure).toSorted()).toEqual(ours.toSorted());
});
