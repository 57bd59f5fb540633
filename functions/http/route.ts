/** What a route is: its address, who may call it, what it takes and answers, and what it does. */
import type { HttpRequest } from "@azure/functions";
import type { z } from "zod";
import type { Role } from "../../shared/auth/callers.js";
import type { Fleet } from "../../shared/core/fleet.js";
import type { Pause } from "../../shared/core/ports/runtime.js";
import type { ProblemCode } from "../../shared/schema/problems.js";
import { noQuery } from "../../shared/schema/requests.js";
import type { Answer, Problem } from "./answer.js";
import type { KeyMeaning } from "./idempotency-key.js";

type Method = "GET" | "POST" | "PUT" | "PATCH";

/** One successful answer, as OpenAPI tells of it. */
interface AnswerSpec {
  readonly description: string;
  /** Absent: no body. */
  readonly body?: z.ZodType;
  readonly headers?: z.ZodObject;
}

interface Described {
  /** The function's name, and its file's. */
  readonly name: string;
  readonly method: Method;
  /** As in the contract: `/fleet/jobs/{id}`. */
  readonly path: string;
  readonly summary: string;
  readonly answers: Readonly<Record<number, AnswerSpec>>;
}

/** A request that passed: everything in it is what the schemas made of it. */
export interface Call<P, Q, B> {
  readonly fleet: Fleet;
  readonly productId: string;
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  /** The operation's name, on routes whose `key` is "operation". */
  readonly key: string | undefined;
  readonly headers: HttpRequest["headers"];
}

interface ProductRouteOf<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType> extends Described {
  /** What a credential needs; admins may all. */
  readonly role: Role;
  readonly params: P;
  readonly query: Q;
  /** Absent: the route takes no body. */
  readonly body?: B;
  /** Whether a request without a body is one with `{}`. */
  readonly bodyMayBeAbsent?: true;
  readonly key?: KeyMeaning;
  /** The list in the body whose elements are requests of their own: what is wrong is told by index, and with a code. */
  readonly entries?: string;
  /** The codes that this route's operation may answer, beside those that any route may. */
  readonly refusals: readonly ProblemCode[];
  handle(call: Call<z.infer<P>, z.infer<Q>, z.infer<B>>): Promise<Answer | Problem>;
}

/** A route of one product, for credentials with a role. */
export type ProductRoute = ProductRouteOf<z.ZodType, z.ZodType, z.ZodType>;

/** What a route without credentials works with. */
export interface OpenCall {
  readonly request: HttpRequest;
  /** Every route there is, this one included. */
  readonly routes: readonly Route[];
  readonly pause: Pause;
  /** Opens the store first, where that was not done yet. */
  readonly fleet: () => Promise<Fleet>;
}

/** A route that anybody may call, and that says nothing of any product. */
export interface OpenRoute extends Described {
  readonly role: "anyone";
  readonly refusals: readonly ProblemCode[];
  handle(call: OpenCall): Promise<Answer | Problem>;
}

export type Route = ProductRoute | OpenRoute;

type Optional<T, K extends keyof T> = Omit<T, K> & Partial<Pick<T, K>>;
type NoFields = typeof noQuery;

/** A route of one product. Without `params` or `query` it takes none. */
export function defineRoute<
  P extends z.ZodType = NoFields,
  Q extends z.ZodType = NoFields,
  B extends z.ZodType = z.ZodUndefined,
>(route: Optional<ProductRouteOf<P, Q, B>, "params" | "query">): ProductRoute {
  return { params: noQuery, query: noQuery, ...route };
}
