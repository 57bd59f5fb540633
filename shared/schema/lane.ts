import { z } from "zod";
import { capabilities, capability, documentBase } from "./primitives.js";

/** What a job asks of the factory that takes it. */
const requirements = z.object({ capabilities, engineClass: capability.optional() });
export type Requirements = z.infer<typeof requirements>;

/** The lane of jobs that ask for nothing. Every product has it, without its being written down. */
export const OPEN_LANE = "any";

/**
 * The lanes of a product: each is the jobs that ask for exactly the same. One small document, to which lanes
 * are only ever added: a lane that was seen once is there for ever.
 */
export const lanes = z.object({
  ...documentBase,
  /** By the lane's name, which is made of the requirements; core/lanes.ts. */
  lanes: z.record(z.string(), requirements),
});

export type Lanes = z.infer<typeof lanes>;
