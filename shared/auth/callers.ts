/** Who calls, and what they may do; and the port behind which access tokens are checked. */

export type Role = "submit" | "factory" | "read" | "admin";

/** Somebody who is known. */
export interface Caller {
  /** As logs name them: never the key or the token. */
  readonly name: string;
  /** `["*"]` is every product. None: nothing is granted. */
  readonly products: readonly string[];
  readonly roles: readonly Role[];
  /** The factories that they may act for; absent: for all. */
  readonly factoryIds?: readonly string[] | undefined;
}

/** Why a token lets nobody in. Told to whoever sent it. */
export type TokenRefusal =
  | "malformed"
  | "bad_signature"
  | "wrong_issuer"
  | "wrong_audience"
  | "expired"
  | "not_yet_valid"
  | "no_access_token";

export type TokenOutcome =
  /** Genuine and valid. What it grants may be nothing. */
  | { readonly kind: "known"; readonly caller: Caller }
  | { readonly kind: "refused"; readonly why: TokenRefusal }
  /** Its signature can't be checked for now: nobody knows whose it is. `cause` is for the log. */
  | { readonly kind: "unchecked"; readonly retryAfterSeconds: number; readonly cause: unknown };

/** Checks access tokens. */
export interface Tokens {
  /** Whose token this is. Throws only where it can't be loaded. */
  check(token: string): Promise<TokenOutcome>;
}

/** Whose tokens are believed, and for whom they must be. */
export interface Issuer {
  /** A GUID in lower case. */
  readonly tenantId: string;
  readonly audience: string;
  /** `https://login.microsoftonline.com` or another cloud's; no slash at the end. */
  readonly authority: string;
}
