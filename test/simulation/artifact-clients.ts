/** The clients that leave artifacts behind and look for them. */
import { addArtifact } from "../../shared/core/add-artifact.js";
import type { Identity } from "../../shared/core/fence.js";
import { listArtifacts } from "../../shared/core/list-artifacts.js";
import { blobName } from "../../shared/store/blob-names.js";
import { atSomeInstant, checkLost, checkOnce, checkRefused, isLost, owns, tell } from "./answer-rules.js";
import { reportOf } from "./artifact-rules.js";
import { checkNotFound } from "./clients.js";
import type { Self } from "./run.js";
import { Violation } from "./violation.js";

const LIST_MAX = 200;

export function doAddArtifact(
  self: Self,
  jobId: string,
  who: Identity,
  name: string,
  sizeBytes: number,
  key?: string,
) {
  const described = { contentType: "text/plain", sizeBytes };
  const reported = reportOf(described);
  const id = `${jobId}:${who.leaseEpoch}:${name}`;
  return tell(
    self,
    { kind: "artifact", jobId, who, name, reported, key },
    (fleet) => addArtifact(fleet, self.productId, jobId, { ...who, name, ...described }, key),
    (answer, told) => {
      if (isLost(answer)) {
        checkLost(told, jobId, who, answer);
        return;
      }
      const known = self.monitor.artifacts.all.get(id);
      switch (answer.kind) {
        case "not_found":
          checkNotFound(self, jobId);
          return;
        case "idempotency_conflict":
          checkRefused(told, answer.kind);
          return;
        case "artifact_name_taken":
          checkRefused(told, answer.kind);
          if (known === undefined || known.reported === reported)
            throw new Violation(3, "a name was said to be taken that is not");
          return;
        case "artifact_added": {
          const { artifact, upload } = answer;
          if (known?.reported !== reported)
            throw new Violation(3, "an artifact was said to be added that never was");
          if (artifact.id !== id || reportOf(artifact.reported) !== reported)
            throw new Violation(3, "a worker was shown another artifact than its own");
          if (upload.url !== blobName({ productId: self.productId, jobId, name, leaseEpoch: who.leaseEpoch }))
            throw new Violation(13, "a worker was told to upload to another blob");
          const since = key === undefined ? told : { ...told, from: 0 };
          if (!atSomeInstant(since, jobId, (job) => owns(job, who)))
            throw new Violation(3, "an artifact was taken from one who did not own the job");
          checkOnce(told, ["artifact_added"]);
        }
      }
    },
  );
}

/** Whatever was added before the call is listed, once, and nothing that was not. */
export function doListArtifacts(self: Self, jobId: string) {
  return tell(
    self,
    undefined,
    async (fleet) => {
      const job = await fleet.jobs.get(self.productId, jobId);
      if (job === undefined) return { kind: "not_found" as const };
      return { kind: "listed" as const, ...(await listArtifacts(fleet, job.doc, LIST_MAX)) };
    },
    (answer, told) => {
      if (answer.kind === "not_found") {
        checkNotFound(self, jobId);
        return;
      }
      const ids = answer.value.map(({ artifact }) => artifact.id);
      if (new Set(ids).size !== ids.length) throw new Violation(19, "an artifact is listed twice");
      const { artifacts } = self.monitor;
      if (ids.some((id) => !artifacts.all.has(id)))
        throw new Violation(19, "an artifact is listed that nobody added");
      if (artifacts.of(jobId).some(([id, { step }]) => step <= told.from && !ids.includes(id)))
        throw new Violation(19, "an artifact is not listed that was added before");
      for (const { artifact, found } of answer.value)
        if (found !== undefined) artifacts.checkPointer(undefined, { ...artifact, found });
    },
  );
}
