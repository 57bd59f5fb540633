/**
 * `npm run keys:new`: makes an API key and the entry of `FLEET_API_KEYS` that lets it in. The key is
 * printed once and kept nowhere.
 */
import { makeKey } from "./make-key.js";

const outcome = makeKey(process.argv.slice(2));
if (outcome.kind === "made") {
  process.stdout.write(outcome.text);
} else {
  process.stderr.write(outcome.text);
  process.exitCode = 1;
}
