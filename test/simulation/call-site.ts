/**
 * Which store operations the coordinator has, and which of them an actor has died before and after. A
 * site is a line of shared/core that calls a repository: those that exist are counted in the compiled
 * source, those that were crashed are read off the stack.
 */
import { readFileSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

// Between the line that asks and the simulated store lie repository, port and promise: more than V8's ten frames.
Error.stackTraceLimit = 20;

const CORE = fileURLToPath(new URL("../../shared/core/", import.meta.url));
const CALL = /fleet\.(jobs|leases|runs|events|factories|profiles|totals|artifacts|lanes)\.\w+\(/g;

/** Where an operation was asked for. */
export interface CallSite {
  /** "claim.js:87", or undefined when the coordinator did not ask. */
  readonly name: string | undefined;
}

/** Of what nobody asks where it was. */
export const NOWHERE: CallSite = { name: undefined };

const names = new Map<string, string>();

/** The same name: a part of a stack would keep the whole in memory. */
function known(name: string): string {
  const first = names.get(name) ?? name;
  names.set(first, first);
  return first;
}

/** Read off the stack, which is taken at once, and read only if somebody asks. */
export class StackedSite implements CallSite {
  #here: Error | undefined = new Error();
  #name: string | undefined;

  get name(): string | undefined {
    const frames = this.#here?.stack?.split("\n") ?? [];
    const found = frames
      .map((line) => /shared\/core\/([a-z-]+\.js):(\d+)/.exec(line))
      .find((match) => match !== null);
    this.#name ??= found && known(`${found[1] ?? ""}:${found[2] ?? ""}`);
    this.#here = undefined;
    return this.#name;
  }
}

/** What only reads and decides nothing: a death in it leaves nothing behind. */
const ONLY_READS = ["stats.js", "snapshot.js", "children.js", "queue-room.js"];

/** Every line of the compiled core that calls a repository, but for what only reads. */
export function sitesThatExist(): string[] {
  return readdirSync(CORE)
    .filter((file) => file.endsWith(".js") && !ONLY_READS.includes(file))
    .flatMap((file) =>
      readFileSync(`${CORE}${file}`, "utf8")
        .split("\n")
        .flatMap((line, index) => (line.match(CALL) === null ? [] : [`${file}:${index + 1}`])),
    );
}
