/** The way to where a walk is; and to anywhere else: back to where both ways part, and on from there. */
import type { Choice } from "./choices.js";
import { taken } from "./waiting.js";
import type { Step } from "./waiting.js";
import type { Walk } from "./walk.js";

export class Trail {
  readonly walk: Walk;
  readonly #steps: Step[] = [];
  /** The way back from each step. */
  readonly #back: (() => void)[] = [];
  /** What could be chosen before each step, and here. */
  readonly #choices: (readonly Choice[])[] = [];

  constructor(walk: Walk) {
    this.walk = walk;
  }

  /** The last step; undefined at the beginning. */
  get last(): Step | undefined {
    return this.#steps.at(-1);
  }

  /** By their places, the choices that led here. */
  get schedule(): readonly number[] {
    return this.#steps.map(({ choice }) => choice);
  }

  /** What may happen here. */
  get choices(): readonly Choice[] {
    return (this.#choices[this.#steps.length] ??= this.walk.choices());
  }

  /** One step further, by the choice at this place. Throws what breaks. */
  async goOn(choice: number): Promise<void> {
    await this.#take(taken(this.last, choice, this.choices[choice]?.isLoss === true));
  }

  /** To the state after that step. */
  async goTo(last: Step | undefined): Promise<void> {
    const way: Step[] = [];
    for (let step = last; step !== undefined; step = step.before) way.push(step);
    way.reverse();
    let common = 0;
    while (common < way.length && way[common] === this.#steps[common]) common++;
    this.#back[common]?.();
    this.#steps.length = this.#back.length = common;
    this.#choices.length = Math.min(this.#choices.length, common + 1);
    for (const step of way.slice(common)) await this.#take(step);
  }

  /** What is done to the world from now on is undone when the walk goes elsewhere. */
  leave(): void {
    this.#back.push(this.walk.memory.save());
  }

  async #take(step: Step): Promise<void> {
    const choice = this.choices[step.choice];
    if (choice === undefined)
      throw new Error("the same schedule led to another state: something is not deterministic");
    this.#back.push(this.walk.memory.save());
    this.#steps.push(step);
    const news = this.walk.take(choice);
    if (news !== undefined) await news;
  }
}
