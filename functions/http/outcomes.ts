/**
 * The one table from what an operation says to what HTTP answers. It has an entry for every outcome
 * there is: a new one without an answer does not compile.
 */
import type { Fenced } from "../../shared/core/fence.js";
import type { Fleet } from "../../shared/core/fleet.js";
import type { Submitted } from "../../shared/core/submit.js";
import { tellOutcome } from "../../shared/core/tell-outcome.js";
import type { Asked, Outcome } from "../../shared/core/tell-outcome.js";
import { LANES_MAX } from "../../shared/schema/limits.js";
import { toWireArtifact } from "../../shared/schema/wire-artifact.js";
import { toWireJob, toWireLease, toWireRun } from "../../shared/schema/wire.js";
import type { EmptyClaimReason } from "../../shared/schema/wire.js";
import { Problem } from "./answer.js";
import type { Answer } from "./answer.js";
import { invalid } from "./validate.js";

type Kind = Outcome["kind"];
type Table = {
  readonly [K in Kind]: (outcome: Extract<Outcome, { kind: K }>, nowMs: number) => Answer | Problem;
};

/**
 * When to claim again, in seconds, per reason. A factory that obeys asks a quiet queue 12 times a
 * minute, and finds a job that was just submitted after 2.5 s on average.
 */
const CLAIM_AGAIN_SECONDS: Readonly<Record<EmptyClaimReason, number>> = {
  no_job: 5,
  // Jobs wait, but for others: a new job or a new capability changes that, and neither comes by the second.
  no_matching_capabilities: 15,
  // Its own job must end first, and the factory knows when one does.
  seat_limit: 10,
  // Others were faster, and there may be more: come back as soon as the crowd is gone.
  contended: 1,
  // With a new claimId it may succeed at once; a client that repeats the old one must not spin.
  claim_ended: 1,
};

const submitted = (outcome: Extract<Submitted, { job: unknown }>): Answer => ({
  status: outcome.kind === "created" ? 201 : 200,
  body: { outcome: outcome.kind, job: toWireJob(outcome.job) },
});

const fenced =
  (detail: string) =>
  ({ kind, currentEpoch, stage, directive }: Fenced): Problem =>
    new Problem(kind, detail, { members: { currentEpoch, stage, directive } });

const TOO_MANY_LANES = `asks for a set of requirements that is new, and the product has had ${LANES_MAX} of them`;

const TABLE: Table = {
  created: submitted,
  existing: submitted,
  superseded: submitted,
  outdated: submitted,
  idempotency_conflict: ({ jobId, stage }) =>
    new Problem("idempotency_conflict", "The same key came before, with another content.", {
      members: { jobId, stage },
    }),
  dependency_cycle: ({ cycle }) =>
    new Problem("dependency_cycle", "The job would wait for itself.", { members: { cycle } }),
  dependency_order: ({ deps }) =>
    new Problem("dependency_order", `Submitted later than the job: ${deps.join(", ")}. Use a new key.`),
  unknown_dependency: ({ missing }) =>
    new Problem("unknown_dependency", "The product has no such jobs.", { members: { missing } }),
  too_many_lanes: () => invalid([{ path: "capabilities", message: TOO_MANY_LANES }]),
  queue_full: ({ retryAfterSeconds }) =>
    new Problem("throttled", "The product has as many jobs waiting as it may. Nothing was done.", {
      headers: { "retry-after": String(retryAfterSeconds) },
    }),
  unknown_profile: () => invalid([{ path: "profile", message: "names no profile of the product" }]),

  claimed: ({ job, lease, run }, nowMs) => ({
    status: 200,
    body: { job: toWireJob(job), lease: toWireLease(lease, nowMs), run: toWireRun(run) },
  }),
  nothing: ({ reason, missing }) => {
    const retryAfterSeconds = CLAIM_AGAIN_SECONDS[reason];
    return {
      status: 200,
      headers: { "retry-after": String(retryAfterSeconds) },
      body: { job: null, reason, retryAfterSeconds, ...(missing === undefined ? {} : { missing }) },
    };
  },
  factory_not_registered: () =>
    new Problem("factory_not_registered", "Send a heartbeat first: it registers the factory."),
  factory_unavailable: ({ why }) =>
    new Problem(
      "factory_unavailable",
      why === "down" ? "Its last heartbeat said down." : "Its last heartbeat is too long ago.",
    ),

  patched: ({ job, directive }) => ({ status: 200, body: { job: toWireJob(job), directive } }),
  renewed: ({ lease, directive }, nowMs) => ({
    status: 200,
    body: { lease: toWireLease(lease, nowMs), directive },
  }),
  released: ({ job, lease, directive }, nowMs) => ({
    status: 200,
    body: {
      job: toWireJob(job),
      ...(lease === undefined ? {} : { lease: toWireLease(lease, nowMs) }),
      directive,
    },
  }),
  cancelled: ({ job }) => ({ status: 200, body: { job: toWireJob(job) } }),
  redriven: ({ job }) => ({ status: 200, body: { job: toWireJob(job) } }),
  budget_spent: ({ budget, spent }) =>
    invalid(
      (["usd", "tokens", "wall"] as const)
        .filter((limit) => spent[limit] > (budget[limit] ?? Infinity))
        .map((limit) => ({
          path: `budget.${limit}`,
          message: `must be at least ${spent[limit]}: that is spent`,
        })),
    ),
  artifact_added: ({ artifact, uploaded, upload }) => ({
    status: 201,
    body: { artifact: { ...toWireArtifact(artifact, artifact.found), uploaded }, upload },
  }),
  artifact_name_taken: ({ jobId, stage }) =>
    new Problem(
      "idempotency_conflict",
      "This lease epoch has an artifact of that name, described otherwise. Choose another name.",
      { members: { jobId, stage } },
    ),
  stale_lease: fenced("The job has another lease epoch: it was given to somebody else, or back, since."),
  not_holder: fenced("Another factory holds the job."),
  lease_not_held: fenced("Nobody holds the job now."),
  illegal_transition: ({ from, to, allowed }) =>
    new Problem("illegal_transition", `A job does not go from ${from} to ${to} like this.`, {
      members: { from, to, allowed },
    }),
  not_found: () => notFound(),
};

/** The answer to what an operation said, which is told as a decision, too. Leases are told as durations. */
export function answerTo(
  fleet: Pick<Fleet, "clock" | "log">,
  asked: Asked,
  outcome: Outcome,
): Answer | Problem {
  tellOutcome(fleet.log, asked, outcome);
  // The table's type pairs each kind with its outcome; an index by a union loses the pairing.
  const answer = TABLE[outcome.kind] as (outcome: Outcome, nowMs: number) => Answer | Problem;
  return answer(outcome, fleet.clock.now());
}

/** The same words for everything: what belongs to another product must look exactly as if it did not exist. */
export function notFound(): Problem {
  return new Problem("not_found", "The product has no such thing.");
}
