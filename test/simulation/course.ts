/**
 * What one actor does is decided by what it is told, and when: it has no other way to learn of the others. So it
 * is told each thing once. Where it then stood, what it asked for and what was to be judged is remembered,
 * for every schedule in which it is told the same.
 */
import { LiveProcess } from "./live-process.js";
import type { Outcome } from "./operation.js";
import type { Actor, Self, Wiring } from "./run.js";
import { SimBlobs } from "./sim-blobs.js";
import { settled } from "./state.js";
import type { Pending, Surroundings } from "./state.js";

/** Something that an actor was told. */
export interface Heard {
  /** Of which of the operations that it waited for. */
  readonly place: number;
  readonly outcome: Outcome;
  readonly ms: number;
  /** What was in blob storage then, which it may look at: the fingerprint. */
  readonly blobs: string;
}

/** Where an actor stands after all that it was told. */
export interface Point {
  /** A hash of that. */
  readonly history: string;
  readonly pending: readonly Pending[];
  readonly ended: boolean;
  /** What is to be noted and judged whenever somebody comes here. */
  readonly judgements: readonly (() => void)[];
  readonly failure: Error | undefined;
  /** What is in blob storage, if the actor changed it on the way. */
  readonly blobs: ReadonlyMap<string, string> | undefined;
  readonly from: { readonly point: Point; readonly heard: Heard } | undefined;
  next: Map<string, Point> | undefined;
}

/** An actor that runs, in surroundings of its own: it may be told now what others are told much later. */
interface Living extends Surroundings {
  readonly process: LiveProcess;
  readonly clock: { ms: number };
  judgements: (() => void)[];
}

type Connect = (wiring: Wiring) => Self;

/** Those that are kept running, of each actor: what goes on where it was left goes on soon, or never. */
const LIVING_MAX = 8;

export class Course {
  readonly #actor: Actor;
  readonly #connect: Connect;
  readonly #beginning: { readonly ms: number; readonly blobs: string };
  /** Those that run, by where they stand: each can go on from there once. */
  readonly #living = new Map<Point, Living>();

  /** `connect` is to give the actor what it has, the first time and each time that it must be told all again. */
  constructor(actor: Actor, connect: Connect, { clock, blobs }: Surroundings) {
    this.#actor = actor;
    this.#connect = connect;
    this.#beginning = { ms: clock.ms, blobs: blobs.fingerprint() };
  }

  /** Where it stands before it is told anything. */
  async first(): Promise<Point> {
    return this.#pointOf(await this.#start(true), undefined);
  }

  /** Where it stands when it hears this, if it ever did. */
  known(point: Point, heard: Heard): Point | undefined {
    return point.next?.get(nameOf(heard));
  }

  /** The same, where it never did. */
  async learn(point: Point, heard: Heard): Promise<Point> {
    const living = this.#living.get(point) ?? (await this.#repeated(point));
    this.#living.delete(point);
    await tell(living, heard);
    const next = this.#pointOf(living, { point, heard });
    (point.next ??= new Map<string, Point>()).set(nameOf(heard), next);
    return next;
  }

  async #start(tellsWhere: boolean): Promise<Living> {
    const { ms, blobs } = this.#beginning;
    const process = new LiveProcess(this.#actor.name);
    process.tellsWhere = tellsWhere;
    const living: Living = { process, clock: { ms }, blobs: blobsOf(blobs), judgements: [] };
    let requests = 0;
    const self = this.#connect({
      clock: living.clock,
      blobs: living.blobs,
      perform: process.perform,
      newRequest: () => `${process.name}#${++requests}`,
      judge: (judgement) => living.judgements.push(judgement),
    });
    process.begin(this.#actor.act(self));
    await settled();
    return living;
  }

  /** Another that was told the same. */
  async #repeated(point: Point): Promise<Living> {
    const told: Heard[] = [];
    for (let at = point.from; at !== undefined; at = at.point.from) told.unshift(at.heard);
    const living = await this.#start(false);
    for (const heard of told) await tell(living, heard);
    living.process.tellsWhere = true;
    if (living.process.history !== point.history)
      throw new Error(
        `${this.#actor.name} was told the same, and did something else: it is not deterministic`,
      );
    return living;
  }

  #pointOf(living: Living, from: Point["from"]): Point {
    const { process, judgements, blobs } = living;
    // What it waited for before, it asked for when it first came by.
    const still = from?.point.pending.filter((_, place) => place !== from.heard.place) ?? [];
    const asked = process.pending.slice(still.length);
    const point: Point = {
      history: process.history,
      pending: [...still, ...asked.map(named)],
      ended: process.ended,
      judgements,
      failure: process.failure,
      blobs: blobs.fingerprint() === (from?.heard ?? this.#beginning).blobs ? undefined : blobs.snapshot(),
      from,
      next: undefined,
    };
    if (!process.ended) this.#keep(point, living);
    return point;
  }

  #keep(point: Point, living: Living): void {
    this.#living.set(point, living);
    const [oldest] = this.#living.keys();
    if (this.#living.size > LIVING_MAX && oldest !== undefined) this.#living.delete(oldest);
  }
}

async function tell(living: Living, { place, outcome, ms, blobs }: Heard): Promise<void> {
  living.clock.ms = ms;
  living.judgements = [];
  living.blobs.restore(blobsOf(blobs).snapshot());
  const pending = living.process.pending[place];
  if (pending === undefined) throw new Error("it is told of what it never asked");
  living.process.hears(pending, outcome, living);
  await settled();
}

function nameOf({ place, outcome, ms, blobs }: Heard): string {
  return `${place}|${ms}|${blobs}|${outcome.text}`;
}

function blobsOf(fingerprint: string): SimBlobs {
  const blobs = new SimBlobs();
  if (fingerprint !== "") blobs.restore(new Map(JSON.parse(fingerprint) as [string, string][]));
  return blobs;
}

/** The same, without the stack. */
function named(pending: Pending): Pending {
  return { ...pending, site: { name: pending.site.name } };
}
