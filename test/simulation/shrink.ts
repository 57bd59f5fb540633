/** Makes the schedule of a violation shorter, as long as the same invariant still breaks. */
import { prepare, replay } from "./explore.js";
import type { Found, Scenario } from "./explore.js";
import { Violation } from "./violation.js";

/** Replays at most: each takes about a millisecond, and a reader waits. */
const REPLAYS_MAX = 2000;

export async function shrink(found: Found, scenarios: readonly Scenario[]): Promise<Found> {
  const scenario = scenarios.find(({ name }) => name === found.scenario);
  if (scenario === undefined) return found;
  if (found.schedule.length === 0) return found;
  const prepared = await prepare(scenario);
  let best = found;
  let replays = 0;
  const better = async (schedule: readonly number[]): Promise<boolean> => {
    if (replays++ > REPLAYS_MAX) return false;
    const story: string[] = [];
    try {
      await replay(prepared, schedule, (line) => story.push(line));
    } catch (error) {
      const same = error instanceof Violation && String(error.invariant) === found.invariant;
      if (!same || story.length >= best.story.length) return false;
      best = { ...found, message: error.message, schedule, story };
      return true;
    }
    return false;
  };
  for (let again = true; again;) {
    again = false;
    for (let place = 0; place < best.schedule.length && !again; place++) {
      const { schedule } = best;
      const without = [...schedule.slice(0, place), ...schedule.slice(place + 1)];
      const calmer = schedule.map((choice, index) => (index === place ? 0 : choice));
      again = (await better(without)) || (schedule[place] !== 0 && (await better(calmer)));
    }
  }
  return best;
}
