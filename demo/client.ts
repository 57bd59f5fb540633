/** What the demo's processes know of the coordinator: its URL, a key, and HTTP. */

export interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

export type Call = (method: string, path: string, body?: object) => Promise<Answer>;

/** Calls the coordinator as one credential for the product "demo". A network error is thrown as fetch throws it. */
export function client(url: string, key: string): Call {
  return async (method, path, body) => {
    const response = await fetch(new URL(path, url), {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        "x-product-id": "demo",
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
}

export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Waits `ms` milliseconds. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** What the demo's factories read of a job: its steps are shell commands. */
export interface DemoJob {
  readonly id: string;
  readonly idempotencyKey: string;
  readonly stage: string;
  readonly attempt: number;
  readonly leaseEpoch: number;
  readonly holderFactoryId?: string;
  readonly manifestSnapshot: { readonly steps: readonly string[]; readonly tokensPerRenewal?: number };
  readonly failure?: { readonly kind: string };
  readonly spent?: { readonly tokens: number };
  readonly checkpoint?: { readonly wipBranch: string; readonly wipCommit: string };
}
