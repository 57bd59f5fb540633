/**
 * A process to be killed: `victim.js <place>` claims one of fleet's jobs, and `victim.js <place> <module> <name>`
 * one as `hold` of that export does. It says "held", and keeps the job leased for as long as it lives.
 */
import { hold } from "./fleet-recovery.js";
import type { Place } from "./fleet-recovery.js";

type Holders = Record<string, { hold: (place: unknown) => Promise<void> }>;

const [place = "", module, name = ""] = process.argv.slice(2);
if (module === undefined) {
  await hold(JSON.parse(place) as Place);
} else {
  const { [name]: holder } = (await import(module)) as Holders;
  if (holder === undefined) throw new Error(`${module} has no ${name}`);
  await holder.hold(JSON.parse(place));
}
process.stdout.write("held\n");
