/** The stable error codes, each with its HTTP status and title: the one table of them. */
export const PROBLEMS = {
  malformed_json: { status: 400, title: "The body is not JSON" },
  validation_failed: { status: 400, title: "The request is not of the right shape" },
  product_required: { status: 400, title: "The x-product-id header is missing or malformed" },
  unauthenticated: { status: 401, title: "A valid credential is required" },
  forbidden: { status: 403, title: "The credential does not allow this" },
  not_found: { status: 404, title: "There is no such thing" },
  factory_not_registered: { status: 404, title: "The factory has not sent a heartbeat yet" },
  method_not_allowed: { status: 405, title: "The path does not take this method" },
  idempotency_conflict: { status: 409, title: "The key was used with another content" },
  stale_lease: { status: 409, title: "The lease epoch is not the job's" },
  not_holder: { status: 409, title: "Another factory holds the job" },
  lease_not_held: { status: 409, title: "The job is not held" },
  illegal_transition: { status: 409, title: "The job cannot move to this stage" },
  factory_unavailable: { status: 409, title: "The factory is stale or down" },
  body_too_large: { status: 413, title: "The body is too large" },
  unsupported_media_type: { status: 415, title: "The body must be application/json" },
  dependency_cycle: { status: 422, title: "The dependencies form a cycle" },
  dependency_order: { status: 422, title: "A dependency was submitted later than the job" },
  unknown_dependency: { status: 422, title: "A dependency does not exist" },
  throttled: { status: 429, title: "Too many requests" },
  headers_too_large: { status: 431, title: "The headers are too large" },
  internal_error: { status: 500, title: "Something went wrong here" },
  store_unavailable: { status: 503, title: "The store does not answer" },
  misconfigured: { status: 503, title: "A setting of the coordinator is wrong" },
} as const satisfies Record<string, { status: number; title: string }>;

export type ProblemCode = keyof typeof PROBLEMS;
