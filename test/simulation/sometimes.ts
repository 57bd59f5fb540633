/**
 * Branches that a good proof must have come through: each repair, each lost race, each second thought
 * after an unknown outcome. One that is never hit shows a meeting that nobody has staged. A branch is
 * named by the compiled code that leads into it: hit is what stands where `leads` ends.
 */
import { readFileSync } from "node:fs";
import type { Profiler } from "node:inspector";
import { fileURLToPath } from "node:url";

const CORE = new URL("../../shared/core/", import.meta.url);

/** By file of shared/core, then what happened: the code that leads there, each text there once. */
const BRANCHES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "change-job": {
    "an operation finds that it was done": "change.repeated(job.doc)",
    "a refusal is withheld, for the write may be on its way": "throw whetherItHappenedIsUnknown();",
    "throttled, after a write that may have happened": "throw whetherItHappenedIsUnknown(error);",
    "a key comes with another body": `return { kind: "idempotency_conflict", job };`,
    "a race for a job is lost": `return { kind: "lost" };`,
    "a write of a job has no answer": `return { kind: "outcome_unknown" };`,
    "a writer stores the outbox that it found": "await storeEvents(fleet, read.doc, ",
    "a job is not there": `return { kind: "not_found" };`,
  },
  claim: {
    "a repeated claim goes on where it stood": `take(fleet, claim, repeated.job, "again"`,
    "a repeated claim's job is over": `reason: "claim_ended"`,
    "no seat is free": `reason: "seat_limit"`,
    "a claim finds what it reaped": `> 0)\n        won = await search(`,
    "there is nothing": "await whyNothing(fleet, claim.factory",
    "a claim begins where its factory's last one looked": "search?.begin()",
    "every candidate is lost": `if (won === "all_lost")\n        return {`,
    "a claim was revoked before it had its lease": `if (grant.kind === "revoked")\n        return {`,
    "a duplicate of a claim has another job": "await withdrawLease(fleet, grant.lease",
    "a job is given back": "await giveBack(fleet, job",
  },
  "win-job": {
    "one candidate is lost": "search.lost(won.winner",
    "a claim finds itself, but no longer owned": `: { kind: "over" }`,
  },
  candidates: {
    "a claim waits for the next query": "others.push(one",
    "a job that was lost is followed by another": "const band = free.filter(",
    "others have all in hand": `|| this.#windows >= windowsMax)\n                return undefined`,
    "another window is asked for": "this.#leave();\n            this.begin(",
  },
  lanes: {
    "another registered the lane": `!== undefined)\n            return "there"`,
    "a lane is registered without an answer": `instanceof StoreUnavailable))\n            throw`,
    "a job is put into its lane": `next: { ...now, lane`,
  },
  "lease-writes": {
    "a grant finds a newer lease": `if (found.leaseEpoch > job.leaseEpoch)\n                return`,
    "a grant finds itself revoked": `found.status !== "held")\n                return`,
    "a grant finds itself": "lease.renewals = found.renewals",
    "a lease write without an answer had happened": "{ doc: next, etag: found.etag",
    "a withdrawal finds that somebody was granted the lease": "return sameJson(found?.doc, withdrawn",
    "a lease of an epoch that is over is settled": "(await settle(read)",
    "a lease that was read ahead is settled": "await settle(ahead)",
    "settling meets another writer": "?? (await fleet.leases.get(job.id, job.id",
  },
  renew: {
    "a renewal loses a race": `if (extended === "again")\n            continue`,
    "a renewal finds no lease of its own": `return "not_held"`,
    "a renewal finds its lease revoked": `if (revoked)\n            return fenced(`,
    "a renewal reports": `return { kind: "write", next, answer: verdict`,
    "a renewal exhausts the budget": "const over = toOverBudget(",
    "a renewal finds that it exhausted the budget": `ended ? { kind: "over_budget"`,
  },
  reap: {
    "a reaper finds a claim that never took its lease": `passed(job.graceUntil) ? { kind: "over"`,
    "a reaper's view is old": `> job.leaseEpoch)\n        return { kind: "old_view"`,
    "a reaper goes on after a revocation": `{ kind: "over", revoked: true`,
    "a reaper ends a lease that a writer left": "await settleLease(fleet, job.doc, false",
    "a reaper finds the job gone on": `return { kind: "settled", answer: false`,
    "a job expires": ": toExpired(owned",
    "a job is put aside": "? toPutAside(owned",
  },
  release: {
    "a job is released": ": toReleased(owned",
    "a release exhausts the budget": "? toOverBudget(owned",
    "a release is fenced": "return changed.answer",
  },
  patch: {
    "the end is reported twice": `repeatsTheEnd(job, request))\n        return {`,
    "a move is not allowed": `answer: { kind: "illegal_transition"`,
    "what was accepted is lost since": "? CONTINUE : directive",
  },
  fence: {
    "fenced by epoch": `return fenced("stale_lease"`,
    "fenced, for nobody owns it": `return fenced("lease_not_held"`,
    "fenced by holder": `return fenced("not_holder"`,
  },
  batch: {
    "the store fails in a batch": "storeFailed = true",
    "an entry waits for one that was refused": "because: { index: dep",
    "nothing of a batch was done": "throw unsure ??",
    "a batch is refused as a whole": `errors.push({ index, refusal: renamed(`,
  },
  profiles: {
    "one content is put twice at once": `{ kind: "existing", profile: taken`,
    "a content comes back": `{ kind: "existing", profile: same`,
  },
  submit: {
    "a create has no answer": `return { kind: "unknown", `,
    "a key is taken": `: { kind: "taken"`,
    "a submission exists": `answer: { kind: "existing"`,
    "a submission is outdated": `answer: { kind: "outdated"`,
    "a submission comes too late": `answer: { kind: "idempotency_conflict"`,
    "a supersede would close a cycle, or might": `return { kind: "refused", answer: refusal`,
    "a submission finds its own lost create": "const [first = job.contentHash] =",
  },
  deps: {
    "a job is unblocked": `{ type: "unblocked"`,
    "a job is told anew what it waits for": `{ type: "blocked"`,
    "another was faster to unblock": `job.stage !== "blocked")\n        return {`,
    "a cycle is found": `return { kind: "dependency_cycle"`,
    "an edge goes to a younger job": `return { kind: "dependency_order"`,
  },
  finish: {
    "a follow-up is left to the sweep": "fleet.log.warn(",
    "the sweep finishes a final job": "await wakeDependants(fleet, job.doc, WAKE_SWEEP_MAX",
    "another took the mark away": `isTombstone(job.doc)) {\n                return {`,
    "a soft dependency is tested": "wakeDependants(fleet, job.doc, WAKE_INLINE_MAX, untilMs)]",
  },
  sweep: {
    "a step of the sweep fails": "report.failed++",
    "the sweep closes a run": "await closeRunOfEpoch(fleet, job",
    "the store answers no query": "unreachable.push(",
  },
  "run-history": {
    "two close one run": `=== "exists")\n        await closeRun(`,
    "a run is closed that was never stored": "await fleet.runs.create(whole",
    "an open run is closed": "await fleet.runs.replaceIfMatch(stored",
  },
  "count-runs": {
    "a race for the totals is lost": "await write(fleet, totals, next.doc)))\n        return",
    "a run was added by one who died": "if (covers(before, after))\n                continue",
    "what a late report brings is added": "before, after), pending: {",
    "an entry is settled": "pending: omit(doc.pending, id",
    "a run is back from the dead": "await fleet.runs.deleteIfMatch(run.doc.jobId, run",
  },
  retire: {
    "a job becomes a tombstone": "next: toTombstone(now",
    "another made it a tombstone": `: { kind: "settled", answer: false`,
  },
  purge: { "a late report came before the run went": "await countRuns(fleet, [run.doc" },
  heartbeat: {
    "another heartbeat was faster": "read.doc.bootId === request.bootId)\n            return {",
    "a former boot reports": "isFormerBoot(read.doc, request.bootId))\n            return {",
    "what a former boot held is taken back": "await evict(",
    "a factory reports again": ": await fleet.factories.replaceIfMatch(",
  },
  cancel: {
    "it is cancelled already": `return { kind: "settled", answer: { kind: "cancelled"`,
    "a cancel comes too late": `return { kind: "refused", answer: refusal`,
    "a cancel fences the owner off first": `answer: { kind: "owned"`,
  },
  redrive: { "a redrive comes too early": `return { kind: "refused", answer: refusal` },
  endings: {
    "a failure is not tried again": `return toEnd(owned, "failed"`,
    "the last attempt fails": `return toEnd(owned, "dead_letter"`,
    "a failure is tried again": "const notBefore = toInstant(",
    "a job is cancelled that nobody owns": "advance(open.stage, ended",
  },
  "late-report": { "a late report is added to its run": "await fleet.runs.replaceIfMatch(stored" },
  "add-artifact": {
    "a name of an artifact is taken": `answer: { kind: "taken"`,
    "an artifact is added again": `const again = { kind: "added"`,
    "an artifact is refused by the fence": `return { kind: "refused", answer: verdict`,
  },
  "artifact-pointers": { "a pointer is made of an event": "await fleet.artifacts.create(pointer" },
  "list-artifacts": {
    "another found it out": "return stored.doc.found",
    "what was found is kept": "await fleet.artifacts.replaceIfMatch(stored",
    "what was found is kept where there was no pointer": "await fleet.artifacts.create(next",
  },
  "after-write": { "throttled after a write": "throw new StoreUnavailable(" },
  "reap-for-claim": {
    "a claim reaps too soon again": "< CLAIM_REAP_EVERY_MS)\n        return",
    "a claim cannot reap": "fleet.log.warn(",
  },
};

/** Every branch, as "file: what happened". */
export function branchesThatExist(): string[] {
  return Object.entries(BRANCHES).flatMap(([file, all]) =>
    Object.keys(all).map((what) => `${file}: ${what}`),
  );
}

/** Those that this process has come through, by V8's own count of its blocks. */
export function branchesHit(coverage: readonly Profiler.ScriptCoverage[]): string[] {
  return Object.entries(BRANCHES).flatMap(([file, all]) => {
    const url = new URL(`${file}.js`, CORE);
    const source = readFileSync(fileURLToPath(url), "utf8");
    const functions = coverage.find((script) => script.url === url.href)?.functions ?? [];
    const ranges = functions.flatMap((each) => each.ranges);
    return Object.entries(all).flatMap(([what, leads]) => {
      const parts = source.split(leads);
      // Code that has changed, or was changed by planting a bug: never hit, until the list follows it.
      if (parts.length !== 2) return [];
      const place = (parts[0]?.length ?? 0) + leads.length - 1;
      const innermost = ranges
        .filter(({ startOffset, endOffset }) => startOffset <= place && place < endOffset)
        .toSorted((a, b) => a.endOffset - a.startOffset - (b.endOffset - b.startOffset))[0];
      return (innermost?.count ?? 0) > 0 ? [`${file}: ${what}`] : [];
    });
  });
}
