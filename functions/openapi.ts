import { z } from "zod";
import { openApiDocument } from "./http/openapi-document.js";
import type { OpenRoute, Route } from "./http/route.js";

/** Computed once: the routes of an instance never change. */
const documents = new WeakMap<readonly Route[], unknown>();

/** GET /fleet/openapi.json */
export const openapi: OpenRoute = {
  name: "openapi",
  method: "GET",
  path: "/fleet/openapi.json",
  role: "anyone",
  summary: "This description",
  answers: { 200: { description: "OpenAPI 3.1.", body: z.looseObject({ openapi: z.string() }) } },
  refusals: [],
  handle: ({ routes }) => {
    const document = documents.get(routes) ?? openApiDocument(routes);
    documents.set(routes, document);
    return Promise.resolve({ status: 200, body: document });
  },
};
