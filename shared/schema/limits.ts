/**
 * Every bound of the product in one place: its unit is in its name, the reason for its value beside it.
 * Where a number comes from the HTTP contract it is fixed; the others may be tuned.
 */

/** A request's body. The contract's number; well under Cosmos DB's 2 MB item limit. */
export const BODY_BYTES_MAX = 1024 * 1024;
/** A job's instructions, in UTF-8 bytes. The contract's number. */
export const BODY_MD_BYTES_MAX = 256 * 1024;
/** A job's manifest, in bytes of JSON. The contract's number. */
export const MANIFEST_BYTES_MAX = 64 * 1024;
/** `result` and `verifyResult`, in bytes of JSON. The contract's number; logs belong in artifacts. */
export const RESULT_BYTES_MAX = 16 * 1024;
/** A factory's description of itself, in bytes of JSON. The contract's number. */
export const DESCRIPTOR_BYTES_MAX = 8 * 1024;
/** A profile's snapshot, in bytes of JSON: what a manifest may be. Each run of a job with a profile has a copy. */
export const PROFILE_BYTES_MAX = 64 * 1024;
/** Versions of one profile: nine digits, as `name:version` has them. */
export const PROFILE_VERSION_MAX = 999_999_999;
/** A failure's message, in characters: a sentence or a stack, not a log. */
export const FAILURE_MESSAGE_CHARS_MAX = 4096;

/** Ids, in characters. The contract's number; Cosmos DB allows 1,023 bytes, and ours are joined by ":". */
export const ID_CHARS_MAX = 128;
/** Capabilities of a job or a factory, and the characters of each. The contract's numbers. */
export const CAPABILITIES_MAX = 64;
export const CAPABILITY_CHARS_MAX = 64;
/**
 * Different sets of requirements among the jobs of a product, over its whole life: each is a lane, and a
 * claim asks each lane that its factory satisfies. Real fleets have about ten.
 */
export const LANES_MAX = 256;
/** Characters of the document that names them: it is read by each claim, and may be 2 MB on Cosmos DB. */
export const LANES_CHARS_MAX = 256 * 1024;
/** Dependencies of one job. The contract's number; each is one read when the job is judged. */
export const DEPS_MAX = 64;
/** Jobs of one batch. The contract's number. */
export const BATCH_JOBS_MAX = 100;
/** Dependencies that `blockedBy` names. The contract's number. */
export const BLOCKED_BY_MAX = 10;
/** Seats of one factory: far above any real machine, low enough to catch a unit error. */
export const SEATS_MAX = 10_000;
/** Branch names and commits of a checkpoint, in characters: git refuses longer file names. */
export const CHECKPOINT_CHARS_MAX = 256;

/** Documents in one page of a list. The contract's numbers. */
export const PAGE_DEFAULT = 50;
export const PAGE_MAX = 200;

/** How long an upload or download URL is good for, in seconds: to begin one, not to finish it. */
export const ARTIFACT_URL_SECONDS = 900;
/** The most bytes of a blob that are read for its SHA-256: ten seconds' worth at 50 MiB/s. Of a larger one the size alone is known. */
export const ARTIFACT_HASH_BYTES_MAX = 512 * 1024 * 1024;

/** A lease, in seconds. The contract's numbers. */
export const LEASE_SECONDS_MIN = 1;
export const LEASE_SECONDS_MAX = 3600;
/** Renew after a third of the lease: two renewals may be lost before it runs out. */
export const RENEW_AFTER_FRACTION = 1 / 3;
/** How long a claim may take from its job write to its lease, before the reaper calls it dead. */
export const CLAIM_GRACE_SECONDS = 30;

/** Operations that a job remembers, to recognise a repeated one: about 4 KB, and days of a
 * patient worker's patches. */
export const RECENT_OPS_MAX = 64;
/** Contents that a job remembers having had, to recognise a late duplicate; 64 versions of one job is a misuse. */
export const PAST_HASHES_MAX = 64;
/**
 * Events waiting in a job document to be stored. Most writes store what they find; a claim and a
 * release may leave it while it is under half full. One write adds at most 2.
 */
export const OUTBOX_MAX = 16;
export const OUTBOX_HALF = OUTBOX_MAX / 2;

/** A total that a worker may report, and a limit of a budget: sums of thousands of them are still exact enough. */
export const TOTAL_MAX = 1e12;
/** Attempts of a job without a retry policy whose factories keep dying, before it is put aside. The contract's number. */
export const EXPIRIES_MAX = 10;
/** The longest wait before a retry, in seconds. The contract's number. */
export const RETRY_DELAY_SECONDS_MAX = 3600;
/** Retries, and the first wait of one in seconds. The contract's numbers. */
export const RETRIES_MAX = 100;
export const BACKOFF_SECONDS_MAX = 3600;
export const BACKOFF_SECONDS_DEFAULT = 30;
/** Kinds of failure that a retry policy names: more than anybody tells apart. */
export const RETRY_KINDS_MAX = 32;
/** Jobs that one call of the bulk route looks at: each takes up to four writes, 2 s in all on Cosmos DB. */
export const BULK_JOBS_MAX = 100;
/** Boots of a factory that are remembered as over. A former process that reports later than so many restarts is a stranger. */
export const FORMER_BOOTS_MAX = 16;

/** Digits of an event's sequence number in its id, so that ids sort as numbers do. */
export const EVENT_SEQ_DIGITS = 12;

/** The version that this code writes into each document. */
export const SCHEMA_VERSION = 1;
