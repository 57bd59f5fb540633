import type { HttpMethod } from "@azure/functions";
import { Problem } from "./http/answer.js";
import type { Answer } from "./http/answer.js";
import type { OpenCall, Route } from "./http/route.js";

/**
 * Whatever no other route takes. The platform would answer a path or a method that does not exist
 * with an empty 404: this says it as the contract does.
 *
 * The platform tries routes in the order of the functions' names, whatever their templates, and the
 * first that fits wins (FunctionMetadataManager sorts, WebScriptHostHttpRoutesManager maps, in
 * Azure/azure-functions-host; its issue 9876). So this one's name must come after all others: as
 * "not-found" it would take the requests of patch-job and submit-job.
 *
 * TRACE is left to the platform's own 404: its library can't make a request of that method, so that
 * the function would fail before it is called.
 */
export const unknownPath = {
  name: "unknown-path",
  methods: ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as HttpMethod[],
  path: "/fleet/{*path}",
  handle: ({ request, routes }: Pick<OpenCall, "request" | "routes">): Promise<Answer | Problem> => {
    const { pathname } = new URL(request.url);
    const methods = routes.filter((route) => takes(route, pathname)).map((route) => route.method);
    const answer =
      methods.length === 0
        ? new Problem("not_found", "There is no such path.")
        : new Problem("method_not_allowed", `This path takes ${methods.join(" and ")}.`, {
            headers: { allow: methods.join(", ") },
          });
    return Promise.resolve(answer);
  },
};

/** Words of the contract where an id would stand, for routes of a later version: they are no jobs. */
const NOT_IDS = ["batch", "bulk"];

/** Whether a path is a route's, as the platform matches them: literals in any case, a parameter is one segment. */
function takes(route: Route, pathname: string): boolean {
  const given = pathname.replace(/\/$/, "").split("/");
  const wanted = route.path.split("/");
  if (given.length !== wanted.length) return false;
  return wanted.every((segment, index) => {
    const part = given[index] ?? "";
    return segment.startsWith("{") ? part !== "" && !NOT_IDS.includes(part) : part.toLowerCase() === segment;
  });
}
