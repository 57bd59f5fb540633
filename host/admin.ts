import { type Answer, problem } from "./problem.js";
import type { RunOutcome } from "./timers.js";

/**
 * `POST /admin/functions/<name>`: runs a function once that HTTP doesn't trigger. Answers 202 as the
 * real host does, but after the run, so that a caller may look at its effect; a run that failed is
 * in the log alone, there as here. Undefined when the request asks for something else. From another
 * machine it isn't there.
 */
export async function runByHand(
  method: string,
  pathname: string,
  remoteAddress: string | undefined,
  requestId: string,
  run: (name: string) => Promise<RunOutcome>,
): Promise<Answer | undefined> {
  const name = /^\/admin\/functions\/([A-Za-z0-9_-]+)\/?$/i.exec(pathname)?.[1];
  if (method !== "POST" || name === undefined || !isLoopback(remoteAddress)) return undefined;
  const outcome = await run(name);
  switch (outcome.kind) {
    case "ran":
    case "failed":
      return { status: 202, headers: { "x-request-id": requestId }, body: "" };
    case "unknown":
      return problem("not_found", "No function of this name runs without HTTP.", requestId);
  }
}

function isLoopback(address: string | undefined): boolean {
  return address !== undefined && /^(?:::ffff:)?127\.|^::1$/.test(address);
}
