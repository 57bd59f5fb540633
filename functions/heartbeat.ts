import { z } from "zod";
import { CONTINUE, STOP_LEASE_LOST } from "../shared/core/fence.js";
import { heartbeat as recordHeartbeat, isStale } from "../shared/core/heartbeat.js";
import { heartbeatRequest } from "../shared/schema/requests.js";
import { directive, toWireFactory, toWireLease, wireFactory, wireLease } from "../shared/schema/wire.js";
import { defineRoute } from "./http/route.js";

/** POST /fleet/factories/heartbeat */
export const heartbeat = defineRoute({
  name: "heartbeat",
  method: "POST",
  path: "/fleet/factories/heartbeat",
  role: "factory",
  summary: "A factory says that it lives, what it can do, and how busy it is",
  body: heartbeatRequest,
  answers: {
    200: {
      description: "What the coordinator knows, with the leases that it believes this factory holds.",
      body: z.object({ factory: wireFactory, leases: z.array(wireLease), directive }),
    },
  },
  refusals: [],
  handle: async ({ fleet, productId, body }) => {
    const { kind, factory, leases } = await recordHeartbeat(fleet, productId, body);
    const nowMs = fleet.clock.now();
    return {
      status: 200,
      body: {
        factory: toWireFactory(factory, isStale(fleet, factory)),
        leases: leases.map((lease) => toWireLease(lease, nowMs)),
        // A program that was started anew since is not to go on.
        directive: kind === "former" ? STOP_LEASE_LOST : CONTINUE,
      },
    };
  },
});
