/** What an operation costs by the model of request units, and what it would cost if it were done otherwise. */
import type { Operation, StoreRequest } from "./meter.js";
import { changedTerms, createRu, queryRu, readRu, refusedRu, replaceRu, termsOf } from "./request-units.js";
import type { Indexing } from "./request-units.js";

/** How the same requests are done. */
export interface Design {
  readonly indexing: Indexing;
  /** A query brings the properties that it asks for, or whole documents. */
  readonly queries: "as_asked" | "whole_documents";
  /** Reads the document before each write, even where this operation has read it or nothing can be there. */
  readonly readBeforeWrite: boolean;
  /** Strong consistency doubles what fresh reads cost. */
  readonly reads: "single" | "doubled";
}

/** This project's. */
export const OURS: Design = {
  indexing: "containers.json",
  queries: "as_asked",
  readBeforeWrite: false,
  reads: "single",
};
/** What one writes first: no indexing policy, `SELECT *`, and a read before each write. */
export const NAIVE: Design = {
  indexing: "default",
  queries: "whole_documents",
  readBeforeWrite: true,
  reads: "single",
};

export const strong = (design: Design): Design => ({ ...design, reads: "doubled" });

/** Requests of an operation that each waited for another one's answer. */
export function roundsOf({ requests }: Operation): number {
  return Math.max(0, ...requests.map(({ round }) => round));
}

/** The operation's RU; with `which`, of those requests alone. */
export function ruOf(
  { requests }: Operation,
  design: Design,
  which: (request: StoreRequest) => boolean = () => true,
): number {
  // What the operation has read of its own accord need not be read again before it is written.
  const read = new Set<string>();
  let ru = 0;
  for (const request of requests) {
    const target = targetOf(request);
    if (request.effect.kind === "read") read.add(target);
    if (!which(request)) continue;
    ru += requestRu(request, design);
    if (design.readBeforeWrite && isWrite(request) && !read.has(target)) ru += priorReadRu(request, design);
  }
  return ru;
}

export function isWrite({ method }: StoreRequest): boolean {
  return method === "create" || method === "replaceIfMatch" || method === "deleteIfMatch";
}

/** One request's RU by itself. */
export function requestRu({ container, effect }: StoreRequest, design: Design): number {
  const fresh = design.reads === "doubled" ? 2 : 1;
  switch (effect.kind) {
    case "read":
      return fresh * readRu(bytesOf(effect.doc));
    case "created":
      return createRu(bytesOf(effect.doc), termsOf(container, effect.doc, design.indexing));
    case "replaced": {
      const changed = changedTerms(container, effect.before, effect.after, design.indexing);
      return replaceRu(bytesOf(effect.after), changed);
    }
    case "deleted":
      return createRu(bytesOf(effect.before), termsOf(container, effect.before, design.indexing));
    case "refused":
      return refusedRu();
    case "queried": {
      const answer = design.queries === "whole_documents" ? effect.whole : effect.found;
      return (effect.fresh ? fresh : 1) * queryRu(answer.reduce<number>((sum, doc) => sum + bytesOf(doc), 0));
    }
    case "counted":
      return fresh * queryRu(0);
    case "pinged":
      return fresh * readRu(0);
    case "failed":
      return 0;
  }
}

/** Documents and bytes that the request touched: read, written or brought by a query. */
export function touchedBy({ effect }: StoreRequest): { documents: number; bytes: number } {
  switch (effect.kind) {
    case "read":
      return { documents: effect.doc === undefined ? 0 : 1, bytes: bytesOf(effect.doc) };
    case "created":
      return { documents: 1, bytes: bytesOf(effect.doc) };
    case "replaced":
      return { documents: 1, bytes: bytesOf(effect.after) };
    case "deleted":
      return { documents: 1, bytes: bytesOf(effect.before) };
    case "queried":
      return {
        documents: effect.found.length,
        bytes: effect.found.reduce<number>((sum, doc) => sum + bytesOf(doc), 0),
      };
    case "refused":
    case "counted":
    case "pinged":
    case "failed":
      return { documents: 0, bytes: 0 };
  }
}

function priorReadRu({ effect }: StoreRequest, { reads }: Design): number {
  const before = effect.kind === "replaced" || effect.kind === "deleted" ? effect.before : undefined;
  return (reads === "doubled" ? 2 : 1) * readRu(bytesOf(before));
}

function targetOf({ container, effect }: StoreRequest): string {
  const idOf = (): unknown => {
    switch (effect.kind) {
      case "read":
      case "refused":
        return effect.id;
      case "created":
        return effect.doc["id"];
      case "replaced":
      case "deleted":
        return effect.before["id"];
      case "queried":
      case "counted":
      case "pinged":
      case "failed":
        return undefined;
    }
  };
  return JSON.stringify([container, idOf()]);
}

function bytesOf(doc: unknown): number {
  return doc === undefined ? 0 : Buffer.byteLength(JSON.stringify(doc), "utf8");
}
