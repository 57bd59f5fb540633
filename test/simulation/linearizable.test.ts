import { expect, it } from "vitest";
import type { Answer, Call, Op } from "./history.js";
import { judgeHistory } from "./linearizable.js";
import { live } from "./lives.js";

const who = { factoryId: "f1", leaseEpoch: 1 };
const request = {
  by: "c",
  productId: "acme",
  isClaim: false,
  from: 0,
  effects: [],
  uncertain: false,
  shownOld: false,
  ended: false,
};

/** A call from one instant to another; without an answer nobody knows what became of it. */
function op(from: number, to: number, call: Call, answer?: Answer): Op {
  const ended = answer === undefined ? Infinity : to;
  return { call, request, from, to: ended, answer, jobId: "a", forgotten: false };
}

const submitted = op(0, 1, { kind: "submit", jobId: "a", content: "x" }, { kind: "created" });
const claimed = (factoryId: string, from: number, epoch: number): Op =>
  op(
    from,
    from + 1,
    { kind: "claim", factoryId },
    {
      kind: "claimed",
      view: {
        stage: "assigned",
        epoch,
        holder: factoryId,
        attempt: epoch,
        checkpoint: undefined,
        content: "x",
      },
    },
  );
const renewed = (from: number, kind: string): Op =>
  op(from, from + 1, { kind: "renew", jobId: "a", who }, { kind });

it("a job that is submitted, claimed and held has a history that can be explained", () => {
  expect(judgeHistory([submitted, claimed("f1", 1, 1), renewed(2, "renewed")])).toBe("linearizable");
});

it("two factories can't be granted one epoch", () => {
  expect(judgeHistory([submitted, claimed("f1", 1, 1), claimed("f2", 2, 1)])).toBe("not_linearizable");
});

it("who was told that it lost can't hold again at the same epoch", () => {
  const history = [submitted, claimed("f1", 1, 1), renewed(2, "stale_lease"), renewed(3, "renewed")];
  expect(judgeHistory(history)).toBe("not_linearizable");
});

it("an answer that came before another call began is not explained by that call", () => {
  const existing = op(0, 1, { kind: "submit", jobId: "a", content: "x" }, { kind: "existing" });
  const created = op(2, 3, { kind: "submit", jobId: "a", content: "x" }, { kind: "created" });
  expect(judgeHistory([existing, created])).toBe("not_linearizable");
});

it("a job that went back to the queue unseen may be superseded", () => {
  const lost = op(2, 3, { kind: "patch", jobId: "a", who, stage: "building" });
  const superseded = op(4, 5, { kind: "submit", jobId: "a", content: "y" }, { kind: "superseded" });
  expect(judgeHistory([submitted, claimed("f1", 1, 1), lost, superseded])).toBe("linearizable");
});

it("random lives end at rest, with histories that can be explained, and the same seed lives the same", async () => {
  for (let seed = 1; seed <= 20; seed++) expect((await live(seed)).broken).toBeUndefined();
  expect((await live(7)).trace).toEqual((await live(7)).trace);
});
