/** OpenAPI 3.1, made from the very routes and schemas that answer and validate. */
import { z } from "zod";
import { createDocument } from "zod-openapi";
import type { ZodOpenApiOperationObject, ZodOpenApiResponsesObject } from "zod-openapi";
import { id } from "../../shared/schema/primitives.js";
import { PROBLEMS } from "../../shared/schema/problems.js";
import type { ProblemCode } from "../../shared/schema/problems.js";
import { stage } from "../../shared/schema/stages.js";
import { wireArtifact } from "../../shared/schema/wire-artifact.js";
import {
  directive,
  wireEvent,
  wireFactory,
  wireJob,
  wireLease,
  wireProfile,
  wireRun,
} from "../../shared/schema/wire.js";
import type { KeyMeaning } from "./idempotency-key.js";
import type { ProductRoute, Route } from "./route.js";

/** What any route may answer; what any route with a credential may; and any with a body. */
const ANYWHERE: readonly ProblemCode[] = [
  "validation_failed",
  "internal_error",
  "store_unavailable",
  "misconfigured",
];
const WITH_CREDENTIAL: readonly ProblemCode[] = [
  "unauthenticated",
  "forbidden",
  "product_required",
  "throttled",
];
const WITH_BODY: readonly ProblemCode[] = ["malformed_json", "body_too_large", "unsupported_media_type"];

const ofDependencies = {
  jobId: id.optional(),
  stage: stage.optional(),
  cycle: z.array(z.string()).optional(),
  missing: z.array(z.string()).optional(),
};

const problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    instance: z.string().meta({ description: "The request's id." }),
    code: z.enum(Object.keys(PROBLEMS) as [ProblemCode, ...ProblemCode[]]),
    errors: z
      .array(
        z.object({
          path: z.string(),
          message: z.string(),
          index: z.int().optional().meta({ description: "In a batch: whose error it is." }),
          code: z
            .string()
            .optional()
            .meta({ description: "In a batch: what the entry alone would be told." }),
          ...ofDependencies,
        }),
      )
      .optional()
      .meta({ description: "With validation_failed, or of a batch: each field or entry that is wrong." }),
    ...ofDependencies,
    currentEpoch: z.int().optional(),
    directive: directive.optional(),
    from: stage.optional(),
    to: stage.optional(),
    allowed: z.array(stage).optional(),
  })
  .meta({ description: "RFC 9457. Which of the optional members there are depends on the code." });

const seconds = z.string().meta({ description: "Seconds." });

/** The document that tells of these routes, and of no other. */
export function openApiDocument(routes: readonly Route[]) {
  const paths: Record<string, Record<string, ZodOpenApiOperationObject>> = {};
  for (const route of routes) {
    (paths[route.path] ??= {})[route.method.toLowerCase()] = operationOf(route);
  }
  return createDocument({
    openapi: "3.1.0",
    // Wherever this document was read.
    servers: [{ url: "/" }],
    info: {
      title: "Fleet",
      version: "1",
      description: "A coordinator for fleets of AI coding agents. Durations carry their unit in the name.",
    },
    paths,
    components: {
      securitySchemes: {
        key: {
          type: "http",
          scheme: "bearer",
          description: "An API key; or an access token of Microsoft Entra ID, where that is on.",
        },
      },
      schemas: {
        Problem: problem,
        Job: wireJob,
        Lease: wireLease,
        Run: wireRun,
        Event: wireEvent,
        Factory: wireFactory,
        Profile: wireProfile,
        Artifact: wireArtifact,
        Directive: directive,
      },
    },
  });
}

function operationOf(route: Route): ZodOpenApiOperationObject {
  const described = { operationId: route.name, summary: route.summary, responses: responsesOf(route) };
  if (route.role === "anyone") return { ...described, security: [] };
  return {
    ...described,
    description: `Needs the role ${route.role}.`,
    security: [{ key: [] }],
    requestParams: {
      ...parametersOf("path", route.params),
      ...parametersOf("query", route.query),
      header: headersOf(route),
    },
    ...(route.body === undefined
      ? {}
      : {
          requestBody: {
            required: route.bodyMayBeAbsent !== true,
            content: { "application/json": { schema: bodyOf(route.body, route.key) } },
          },
        }),
  };
}

function parametersOf(where: "path" | "query", schema: z.ZodType): Record<string, z.ZodObject> {
  return schema instanceof z.ZodObject && Object.keys(schema.shape).length > 0 ? { [where]: schema } : {};
}

function headersOf(route: ProductRoute): z.ZodObject {
  const tag = Object.values(route.answers).some(
    ({ headers }) => headers !== undefined && "ETag" in headers.shape,
  );
  return z.object({
    "x-product-id": id.meta({ description: "The product that the request is about." }),
    "x-request-id": z.string().optional().meta({ description: "Echoed, when 1 to 128 safe characters." }),
    ...(route.key === undefined
      ? {}
      : { "Idempotency-Key": id.optional().meta({ description: keyMeans(route) }) }),
    ...(tag ? { "If-None-Match": z.string().optional() } : {}),
  });
}

/** What the header may give instead, the body need not. */
function bodyOf(body: z.ZodType, key: KeyMeaning): z.ZodType {
  const given =
    typeof key === "object" && body instanceof z.ZodObject
      ? (body.shape[key.property] as z.ZodType | undefined)
      : undefined;
  if (typeof key !== "object" || !(body instanceof z.ZodObject) || given === undefined) return body;
  return body.extend({ [key.property]: z.optional(given) });
}

function keyMeans({ key }: ProductRoute): string {
  return typeof key === "object"
    ? `The same as ${key.property} in the body; either will do, and both must agree.`
    : "Repeated with the same body it gives the same answer, and no second effect.";
}

function responsesOf(route: Route): ZodOpenApiResponsesObject {
  const responses: ZodOpenApiResponsesObject = {};
  for (const [status, { description, body, headers }] of Object.entries(route.answers)) {
    responses[status as "200"] = {
      description,
      ...(body === undefined ? {} : { content: { "application/json": { schema: body } } }),
      ...(headers === undefined ? {} : { headers }),
    };
  }
  for (const [status, codes] of byStatus(problemsOf(route))) {
    responses[status] = {
      description: codes.map((code) => `${code}: ${PROBLEMS[code].title}.`).join(" "),
      content: { "application/problem+json": { schema: problem } },
      headers: z.object({
        "x-ms-error-code": z.enum(codes).meta({ description: "The code again." }),
        ...(status === "401" ? { "WWW-Authenticate": z.string() } : {}),
        ...(status === "429" || status === "503" ? { "Retry-After": seconds } : {}),
      }),
    };
  }
  return responses;
}

function problemsOf(route: Route): readonly ProblemCode[] {
  if (route.role === "anyone") return [...ANYWHERE, ...route.refusals];
  return [...ANYWHERE, ...WITH_CREDENTIAL, ...(route.body === undefined ? [] : WITH_BODY), ...route.refusals];
}

function byStatus(codes: readonly ProblemCode[]): Map<`4${string}` | `5${string}`, ProblemCode[]> {
  const grouped = new Map<`4${string}` | `5${string}`, ProblemCode[]>();
  for (const code of codes) {
    const status = String(PROBLEMS[code].status) as `4${string}` | `5${string}`;
    grouped.set(status, [...(grouped.get(status) ?? []), code]);
  }
  return grouped;
}
