/**
 * The shapes in which the Functions runtime and @azure/functions talk, as far as this host uses them.
 * `@azure/functions-core` has no package and no published types; these follow what the library's
 * converters read and write (node_modules/@azure/functions/src).
 */

export type LogLevel = "trace" | "debug" | "information" | "warning" | "error" | "critical" | "none";

interface Nullable<T> {
  readonly value: T;
}

export interface RpcCookie {
  readonly name: string;
  readonly value: string;
  readonly domain?: Nullable<string> | undefined;
  readonly path?: Nullable<string> | undefined;
  readonly expires?: Nullable<{ readonly seconds: number }> | undefined;
  readonly secure?: Nullable<boolean> | undefined;
  readonly httpOnly?: Nullable<boolean> | undefined;
  /** "none" means not given; "explicitNone" is the attribute. */
  readonly sameSite?: "none" | "lax" | "strict" | "explicitNone" | undefined;
  readonly maxAge?: Nullable<number> | undefined;
}

/** A request as the library reads it. */
export interface RpcHttpRequest {
  readonly method: string;
  readonly url: string;
  readonly nullableHeaders: Readonly<Record<string, Nullable<string>>>;
  readonly nullableParams: Readonly<Record<string, Nullable<string>>>;
  readonly nullableQuery: Readonly<Record<string, Nullable<string>>>;
  readonly body?: { readonly bytes: Uint8Array } | undefined;
}

/** A response as the library writes it: a body is always bytes. */
export interface RpcHttpResponse {
  readonly statusCode?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly cookies?: readonly RpcCookie[];
  readonly body?: { readonly bytes?: Uint8Array } | null | undefined;
}

/** What triggers an invocation. */
export type RpcInput = { readonly http: RpcHttpRequest } | { readonly json: string };

export interface RpcBinding {
  readonly type?: string;
  readonly direction?: string;
  readonly route?: string | undefined;
  readonly methods?: readonly string[] | undefined;
  readonly authLevel?: string | undefined;
  readonly schedule?: string | undefined;
  readonly runOnStartup?: boolean | undefined;
}

export interface FunctionMetadata {
  readonly name: string;
  readonly bindings: Readonly<Record<string, RpcBinding>>;
}

export type FunctionCallback = (...args: unknown[]) => unknown;

interface CoreInvocationContext {
  readonly invocationId: string;
  readonly request: {
    readonly invocationId: string;
    readonly inputData: readonly { readonly name: string; readonly data: RpcInput }[];
  };
  readonly metadata: FunctionMetadata;
  readonly state: undefined;
  log(level: LogLevel, category: string, message: string): void;
}

interface InvocationModel {
  getArguments(): Promise<{ readonly context: unknown; readonly inputs: unknown[] }>;
  invokeFunction(context: unknown, inputs: unknown[], handler: FunctionCallback): Promise<unknown>;
  getResponse(
    context: unknown,
    result: unknown,
  ): Promise<{ readonly returnValue?: { readonly http?: RpcHttpResponse } | null | undefined }>;
}

/** What @azure/functions hands to the runtime: how a call is made of an invocation. */
export interface ProgrammingModel {
  getInvocationModel(context: CoreInvocationContext): InvocationModel;
}

/** One line of what a person running the host may want to know. */
export type HostLog = (level: LogLevel, message: string) => void;
