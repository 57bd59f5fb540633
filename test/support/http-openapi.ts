/** Holds every answer that a test gets against what /fleet/openapi.json promises. */
import { z } from "zod";
import type { Answered } from "./http-answer.js";

const jsonSchema = z.record(z.string(), z.unknown());
type JsonSchema = Parameters<typeof z.fromJSONSchema>[0];

const content = z.record(z.string(), z.object({ schema: jsonSchema }));
const operation = z.object({
  operationId: z.string(),
  security: z.array(z.unknown()),
  parameters: z.array(z.object({ name: z.string(), in: z.string(), schema: jsonSchema })).default([]),
  requestBody: z.object({ content }).optional(),
  responses: z.record(z.string(), z.object({ content: content.optional() })),
});
/** As much of an OpenAPI document as tests look at. */
export const openApi = z.object({
  openapi: z.string(),
  paths: z.record(z.string(), z.record(z.string(), operation)),
  components: z.object({ schemas: z.record(z.string(), z.unknown()), securitySchemes: jsonSchema }),
});
type OpenApi = z.infer<typeof openApi>;

/** Throws when an answer's status is not listed for its route, or its body is not of the listed shape. */
export function openApiChecker(url: string) {
  let loading: Promise<OpenApi | undefined> | undefined;
  const parsers = new Map<string, z.ZodType>();
  return async (method: string, path: string, { status, headers, text, body }: Answered): Promise<void> => {
    const document = await (loading ??= load(url));
    const pathname = new URL(path, url).pathname;
    const route = Object.entries(document?.paths ?? {}).find(([known]) => patternOf(known).test(pathname));
    const promised = route?.[1][method.toLowerCase()];
    if (document === undefined || promised === undefined) return;

    const name = `${method} ${pathname} ${status}`;
    const response = promised.responses[String(status)];
    if (response === undefined) throw new Error(`${name}: OpenAPI lists no such status`);
    const type = (headers.get("content-type") ?? "").split(";")[0] ?? "";
    const schema = response.content?.[type]?.schema;
    if (schema === undefined) {
      if (text !== "") throw new Error(`${name}: OpenAPI lists no body of type ${type}`);
      return;
    }
    const key = `${promised.operationId} ${status}`;
    const parser = parsers.get(key) ?? z.fromJSONSchema(withoutRefs(schema, document) as JsonSchema);
    parsers.set(key, parser);
    const parsed = parser.safeParse(body);
    if (!parsed.success) throw new Error(`${name}: not as OpenAPI says: ${z.prettifyError(parsed.error)}`);
  };
}

/** Undefined when the app describes nothing, because its settings are wrong. */
async function load(url: string): Promise<OpenApi | undefined> {
  const response = await fetch(`${url}/fleet/openapi.json`);
  return response.ok ? openApi.parse(await response.json()) : undefined;
}

function patternOf(template: string): RegExp {
  return new RegExp(`^${template.replaceAll(".", "\\.").replaceAll(/\{\w+\}/g, "[^/]+")}$`);
}

/** The schema with each reference replaced by what it refers to: there are no cycles among ours. */
function withoutRefs(schema: unknown, document: OpenApi): unknown {
  if (Array.isArray(schema)) return schema.map((item) => withoutRefs(item, document));
  if (typeof schema !== "object" || schema === null) return schema;
  if ("$ref" in schema && typeof schema.$ref === "string") {
    const name = schema.$ref.replace("#/components/schemas/", "");
    return withoutRefs(document.components.schemas[name], document);
  }
  return Object.fromEntries(
    Object.entries(schema).map(([name, inner]) => [name, withoutRefs(inner, document)]),
  );
}
