/** An execution from beginning to end: every actor runs. For random lives, and to play a schedule again. */
import type { Choice } from "./choices.js";
import { LiveProcess } from "./live-process.js";
import { Run } from "./run.js";
import type { Actor } from "./run.js";
import { settled } from "./state.js";

/** Picks one of the choices by its place; undefined ends the run. */
export type Chooser = (choices: readonly Choice[]) => number | undefined;

export class LiveRun extends Run {
  /** What happened, as a story. */
  readonly trace: string[] = [];
  readonly #actors: LiveProcess[] = [];

  /** Runs the actors to their ends. True when they got there, false when the chooser ended it. */
  async play(actors: readonly Actor[], choose: Chooser): Promise<boolean> {
    for (const actor of actors) this.#start(actor);
    for (;;) {
      await settled();
      this.broken ??= this.#actors.find(({ failure }) => failure !== undefined)?.failure;
      this.mustBeSound();
      const choices = this.choices();
      if (choices.length === 0) return true;
      const picked = choose(choices);
      const choice = picked === undefined ? undefined : choices[picked];
      if (choice === undefined) return false;
      this.trace.push(choice.text());
      this.monitor.step();
      choice.apply();
    }
  }

  #start(actor: Actor): void {
    const process = new LiveProcess(actor.name);
    this.#actors.push(process);
    this.state.processes.push(process);
    process.begin(actor.act(this.selfOf(actor, this.wiring(actor.name, process.perform))));
  }
}
