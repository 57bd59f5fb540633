import { z } from "zod";
import { DESCRIPTOR_BYTES_MAX, FORMER_BOOTS_MAX, SEATS_MAX } from "./limits.js";
import { capabilities, documentBase, id, instant, jsonUpTo } from "./primitives.js";

export const health = z.enum(["ok", "degraded", "down"]);
export const seatLimit = z.int().min(0).max(SEATS_MAX);
export const load = z.number().min(0);
export const descriptor = jsonUpTo(DESCRIPTOR_BYTES_MAX);

/** A machine with agent seats, as it last described itself. */
export const factory = z.object({
  ...documentBase,
  factoryId: id,
  descriptor: descriptor.optional(),
  engines: capabilities,
  capabilities,
  health,
  /** Seats in use, as the factory counts them. */
  load,
  seatLimit,
  lastHeartbeatAt: instant,
  /** Which start of the factory's program reported last: a new one means that the former is gone. */
  bootId: id.optional(),
  /** Starts that are over, the latest last: what one of them still says counts for nothing. */
  formerBootIds: z.array(id).max(FORMER_BOOTS_MAX).optional(),
});

export type Factory = z.infer<typeof factory>;
