import { z } from "zod";
import { LEASE_SECONDS_MAX, LEASE_SECONDS_MIN } from "./limits.js";
import { documentBase, id, instant } from "./primitives.js";

export const leaseSeconds = z.int().min(LEASE_SECONDS_MIN).max(LEASE_SECONDS_MAX);

/**
 * Until when a job is held, and whether that was revoked. It never says who may write: the job does.
 * Its id is the job's.
 */
export const lease = z.object({
  ...documentBase,
  jobId: id,
  holderFactoryId: id.optional(),
  expiresAt: instant.optional(),
  /** The call that it was granted to: one that lost its answer knows its own grant from a repetition's. */
  grantId: z.string().optional(),
  leaseEpoch: z.int().min(0).default(0),
  renewals: z.int().min(0),
  status: z.enum(["held", "expired", "released"]),
  /** How long the holder asked for; a renewal that names no length gets it again. */
  leaseSeconds: leaseSeconds.optional(),
});

export type Lease = z.infer<typeof lease>;
export type HeldLease = Lease & {
  status: "held";
  holderFactoryId: string;
  expiresAt: string;
  leaseSeconds: number;
};
