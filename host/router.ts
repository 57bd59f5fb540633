/**
 * Which function answers a method and a path, as the real host decides it: routes are tried in the order
 * of the functions' names, whatever their templates, and the first that fits wins (FunctionMetadataManager
 * sorts, WebScriptHostHttpRoutesManager maps, in Azure/azure-functions-host; its issue 9876). So a
 * catch-all hides whatever is named after it, here as there. Literals match whatever their case, and a
 * function that doesn't take the method isn't there. A parameter is one segment that isn't empty; a
 * catch-all `{*rest}` is all that is left, even nothing. `%2F` stays encoded in parameters, for
 * it is not a separator; everything else is decoded.
 */
import type { RegisteredFunction } from "./functions-core.js";

type Segment =
  | { readonly kind: "literal"; readonly text: string }
  | { readonly kind: "parameter"; readonly name: string }
  | { readonly kind: "catchAll"; readonly name: string };

export interface Route {
  readonly fn: RegisteredFunction;
  /** Upper-case; empty means every method. */
  readonly methods: readonly string[];
  /** As it is shown: with the prefix, and a slash first. */
  readonly path: string;
  readonly segments: readonly Segment[];
}

export interface Match {
  readonly fn: RegisteredFunction;
  readonly params: Readonly<Record<string, string>>;
}

/**
 * The routes of the functions that HTTP triggers, in the order in which they are tried. Throws when a template uses
 * what this host doesn't know, and when two functions would answer the same requests.
 */
export function routesOf(functions: readonly RegisteredFunction[], prefix: string): readonly Route[] {
  const routes = functions.filter(isHttp).map((fn) => toRoute(fn, prefix));
  const taken = new Map<string, string>();
  for (const { fn, methods, segments } of routes) {
    const shape = segments.map((segment) =>
      segment.kind === "literal" ? segment.text : `{${segment.kind}}`,
    );
    for (const method of methods.length === 0 ? ["*"] : methods) {
      const key = `${method} ${shape.join("/")}`;
      const other = taken.get(key);
      if (other !== undefined) throw new Error(`the functions ${other} and ${fn.name} have the same route`);
      taken.set(key, fn.name);
    }
  }
  return routes.toSorted(byName);
}

export function isHttp(fn: RegisteredFunction): boolean {
  return fn.trigger.type?.toLowerCase() === "httptrigger";
}

/** The first route that fits the request, with its parameters; `pathname` is the URL's, still encoded. */
export function findRoute(routes: readonly Route[], method: string, pathname: string): Match | undefined {
  const parts = pathname.replace(/^\//, "").replace(/\/$/, "").split("/");
  const path = parts.length === 1 && parts[0] === "" ? [] : parts;
  for (const { fn, methods, segments } of routes) {
    if (methods.length > 0 && !methods.includes(method)) continue;
    const params = matchSegments(segments, path);
    if (params !== undefined) return { fn, params };
  }
  return undefined;
}

function toRoute(fn: RegisteredFunction, prefix: string): Route {
  // The real host takes the function's name where no route is given.
  const template = fn.trigger.route || fn.name;
  const path = [prefix, template].map((part) => part.replace(/^\/+|\/+$/g, "")).filter((part) => part !== "");
  const texts = path.join("/").split("/");
  const segments = texts.map((text, index) => toSegment(text, index === texts.length - 1, fn.name));
  const methods = (fn.trigger.methods ?? []).map((method) => method.toUpperCase());
  return { fn, methods, path: `/${texts.join("/")}`, segments };
}

function toSegment(text: string, last: boolean, name: string): Segment {
  const parameter = /^\{(\*{0,2})([A-Za-z_]\w*)\}$/.exec(text);
  if (parameter === null) {
    if (/[{}]/.test(text))
      throw new Error(`the route of ${name} has the segment ${text}, unknown to this host`);
    return { kind: "literal", text: text.toLowerCase() };
  }
  const [, stars, parameterName = ""] = parameter;
  if (stars !== "" && !last) throw new Error(`the route of ${name} goes on after a catch-all`);
  return { kind: stars === "" ? "parameter" : "catchAll", name: parameterName };
}

/** As .NET's OrdinalIgnoreCase has it: by code unit, letters in upper case. */
function byName(a: Route, b: Route): number {
  const [x, y] = [a.fn.name.toUpperCase(), b.fn.name.toUpperCase()];
  return x < y ? -1 : x > y ? 1 : 0;
}

function matchSegments(
  segments: readonly Segment[],
  path: readonly string[],
): Record<string, string> | undefined {
  const params: [string, string][] = [];
  for (const [index, segment] of segments.entries()) {
    if (segment.kind === "catchAll") {
      params.push([segment.name, path.slice(index).map(decode).join("/")]);
      return Object.fromEntries(params);
    }
    const given = path[index];
    if (given === undefined || given === "") return undefined;
    if (segment.kind === "parameter") params.push([segment.name, decode(given)]);
    else if (decode(given).toLowerCase() !== segment.text) return undefined;
  }
  return path.length === segments.length ? Object.fromEntries(params) : undefined;
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment.replaceAll(/%2f/gi, (slash) => `%25${slash.slice(1)}`));
  } catch {
    // What is not UTF-8 stays as it came.
    return segment;
  }
}
