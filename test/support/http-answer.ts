/** What an answer may hold, and what a test says of a part whose value it can't know. */
import { expect } from "vitest";
import type { Upload } from "../../shared/core/ports/blobs.js";
import type { JobEvent } from "../../shared/schema/event.js";
import type { WireArtifact } from "../../shared/schema/wire-artifact.js";
import type {
  ChildrenSummary,
  Directive,
  WireFactory,
  WireJob,
  WireLease,
  WireProfile,
  WireRun,
} from "../../shared/schema/wire.js";

/** An item of any list. */
export type Item = Partial<
  WireJob & WireRun & WireFactory & JobEvent & WireArtifact & Pick<WireProfile, "version">
>;

/**
 * Every member that some answer of the contract has. Which of them an answer does have is what tests
 * assert, and what every answer is held against: the OpenAPI document.
 */
export interface Body extends Omit<WireJob, "profile"> {
  /** A job's is its name, an answer's the profile itself. */
  readonly profile: WireProfile;
  readonly outcome: string;
  readonly job: WireJob;
  readonly lease: WireLease;
  readonly leases: readonly WireLease[];
  readonly run: WireRun;
  readonly directive: Directive;
  readonly factory: WireFactory;
  readonly artifact: WireArtifact;
  readonly upload: Upload;
  readonly factories: unknown;
  readonly oldestQueuedSeconds: number;
  readonly engines: unknown;
  readonly value: readonly Item[];
  readonly nextLink?: string;
  readonly reason: string;
  readonly retryAfterSeconds: number;
  readonly missing: readonly string[];
  readonly code: string;
  readonly detail: string;
  readonly instance: string;
  readonly errors: readonly { readonly path: string; readonly message: string }[];
  /** Of a batch, one for each entry. */
  readonly results: readonly Partial<Body>[];
  readonly error: { readonly status: number; readonly code: string; readonly detail: string };
  readonly children: ChildrenSummary;
}

export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  /** The body as it came. */
  readonly text: string;
  /** The body, where it is JSON; without members else. */
  readonly body: Body;
}

/** Some properties of a body that is to be sent, right or wrong. */
export type Given = Readonly<Record<string, unknown>>;

// Vitest types these as any, which spreads.
export const A_STRING: unknown = expect.any(String);
export const A_NUMBER: unknown = expect.any(Number);
