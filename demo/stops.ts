/** The demo's second act: a worker that obeys stops within one renewal of a cancel, and of an exhausted budget. */
import { pause, say } from "./client.js";
import type { Call, DemoJob } from "./client.js";

/** What the factories say: resolves when one of them says a line that begins so. */
export type Hear = (beginning: string) => Promise<void>;
export type Must = (holds: boolean, claim: string) => void;

/** Longer than the demo: only a directive ends it. */
const ENDLESS = "exec sleep 600";
/** Between renewal and stop lie a request and the end of a process; the rest is for a slow machine. */
const SLACK_MS = 1500;

/** `renewMs`: how often the factories renew. */
export async function tellOfStops(call: Call, hear: Hear, must: Must, renewMs: number): Promise<void> {
  say("a job turns out to be needless: it is cancelled while a factory works on it");
  const spike = await begin(call, hear, { idempotencyKey: "spike", manifestSnapshot: { steps: [ENDLESS] } });
  const stopped = hear("stops spike: cancelled");
  const cancelledAt = performance.now();
  const { status } = await call("POST", `/fleet/jobs/${spike}/cancel`, { reason: "not needed any more" });
  must(status === 200, "the cancel is accepted at once");
  await stopped;
  must(
    performance.now() - cancelledAt < renewMs + SLACK_MS,
    "the worker stopped within one renewal of the cancel",
  );

  say("a job burns tokens without an end: its budget is 100");
  const hungry = { steps: [ENDLESS], tokensPerRenewal: 40 };
  const given = { idempotencyKey: "research", budget: { tokens: 100 }, manifestSnapshot: hungry };
  const research = await begin(call, hear, given);
  await hear("stops research: over_budget");
  const { body } = await call("GET", `/fleet/jobs/${research}`);
  const { stage, failure, spent } = body as unknown as DemoJob;
  must(stage === "failed" && failure?.kind === "over_budget", "the job ended with its budget: over_budget");
  must(
    spent?.tokens === 120,
    "the third report of 40 tokens was too much, and the last: 120 are spent, not more",
  );
}

/** Submits a job, and waits until a factory has it. */
async function begin(call: Call, hear: Hear, given: { idempotencyKey: string; manifestSnapshot: object }) {
  const claimed = hear(`claimed ${given.idempotencyKey}`);
  const job = { bodyMd: "Without an end.", capabilities: ["shell"], ...given };
  const { status, body } = await call("POST", "/fleet/jobs", job);
  if (status !== 201) throw new Error(`submit ${given.idempotencyKey}: ${status} ${JSON.stringify(body)}`);
  await claimed;
  await pause(200);
  return (body["job"] as DemoJob).id;
}
