/** 20: lanes. Who looks at the heads of a product's lanes sees every job that waits; and no lane ever goes. */
import type { Job } from "../../shared/schema/job.js";
import { OPEN_LANE } from "../../shared/schema/lane.js";
import type { Lanes } from "../../shared/schema/lane.js";
import type { KeptMap, Memory } from "./memory.js";
import { Violation } from "./violation.js";

type Asked = Pick<Job, "capabilities" | "engineClass">;

export class KnownLanes {
  /** By product and lane: what its jobs ask for. */
  readonly #lanes: KeptMap<string, string>;

  constructor(memory: Memory) {
    this.#lanes = memory.map();
  }

  wrote({ productId, lanes }: Lanes): void {
    for (const [name, asked] of Object.entries(lanes)) {
      const known = this.#lanes.get(`${productId}/${name}`);
      if (known !== undefined && known !== textOf(asked))
        throw new Violation(20, "a lane asks for something else");
      this.#lanes.set(`${productId}/${name}`, textOf(asked));
    }
    for (const lane of this.#lanes.keys()) {
      const [of = "", name = ""] = lane.split("/");
      if (of === productId && lanes[name] === undefined) throw new Violation(20, "a lane is gone");
    }
  }

  /** A job that was queued without a lane, by an older version, is the sweep's to put into one. */
  checkJob(job: Job): void {
    if (job.stage !== "queued" || job.lane === undefined) return;
    const asked =
      job.lane === OPEN_LANE ? textOf({ capabilities: [] }) : this.#lanes.get(`${job.productId}/${job.lane}`);
    if (asked === undefined) throw new Violation(20, "a job is queued in a lane that its product has not");
    if (asked !== textOf(job))
      throw new Violation(20, "a job is queued in a lane that asks for something else");
  }
}

function textOf({ capabilities, engineClass }: Asked): string {
  return JSON.stringify([[...new Set(capabilities)].sort(), engineClass]);
}
