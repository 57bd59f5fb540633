/**
 * An execution that can go back, and on another way: for whoever wants to go all ways. Its actors follow their
 * courses; documents, time and who watches are as in any other.
 */
import type { Choice } from "./choices.js";
import { Course } from "./course.js";
import type { Heard, Point } from "./course.js";
import type { Outcome } from "./operation.js";
import { Run } from "./run.js";
import type { Actor, Setting } from "./run.js";
import { Process } from "./state.js";
import type { Faults, Pending, Surroundings } from "./state.js";

export class Walk extends Run {
  readonly #followers: Follower[] = [];

  static async begin(setting: Setting, faults: Faults, actors: readonly Actor[]): Promise<Walk> {
    const walk = new Walk(setting, faults);
    for (const actor of actors) await walk.#add(actor);
    return walk;
  }

  /** Goes on by this choice. Throws what breaks. It takes time only where no other way came by the same. */
  take(choice: Choice): Promise<void> | undefined {
    this.monitor.step();
    choice.apply();
    const mover = this.#followers.find(({ heard }) => heard !== undefined);
    const heard = mover?.heard;
    if (mover === undefined || heard === undefined) return undefined;
    mover.heard = undefined;
    const known = mover.course.known(mover.point, heard);
    if (known === undefined) return this.#explore(mover, heard);
    this.#arrive(mover, known);
    return undefined;
  }

  async #explore(mover: Follower, heard: Heard): Promise<void> {
    this.#arrive(mover, await mover.course.learn(mover.point, heard));
  }

  async #add(actor: Actor): Promise<void> {
    const course = new Course(actor, (wiring) => this.selfOf(actor, wiring), this.state);
    const point = await course.first();
    const follower = new Follower(actor.name, course, point);
    this.memory.keep(() => follower.save());
    this.#followers.push(follower);
    this.state.processes.push(follower);
    this.#arrive(follower, point);
  }

  #arrive(mover: Follower, point: Point): void {
    mover.point = point;
    if (point.blobs !== undefined) this.blobs.restore(point.blobs);
    for (const judge of point.judgements) judge();
    if (point.failure !== undefined) throw point.failure;
  }
}

/** An actor on its course. */
class Follower extends Process {
  readonly course: Course;
  point: Point;
  /** What it was told, until it has gone on. */
  heard: Heard | undefined;

  constructor(name: string, course: Course, point: Point) {
    super(name);
    this.course = course;
    this.point = point;
  }

  get pending(): readonly Pending[] {
    return this.crashed ? [] : this.point.pending;
  }

  get history(): string {
    return this.crashed ? "" : this.point.history;
  }

  get ended(): boolean {
    return this.point.ended;
  }

  hears(pending: Pending, outcome: Outcome, { clock, blobs }: Surroundings): void {
    const place = this.point.pending.indexOf(pending);
    this.heard = { place, outcome, ms: clock.ms, blobs: blobs.fingerprint() };
  }

  dies(): void {
    this.crashed = true;
  }

  save(): () => void {
    const { point, crashed, lastDone } = this;
    return () => {
      this.point = point;
      this.crashed = crashed;
      this.lastDone = lastDone;
    };
  }
}
