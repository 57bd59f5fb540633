import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";

it("npm run demo tells its story, and all of it is so", async () => {
  const demo = fileURLToPath(new URL("../../dist/demo/main.js", import.meta.url));
  // Rejects when it ends non-zero: the demo checks itself.
  const { stdout } = await promisify(execFile)(process.execPath, [demo]);
  expect(stdout).toMatch(/☠ factory-[ab] is killed with SIGKILL/);
  expect(stdout).toMatch(
    /claimed api \(epoch 3, attempt 2\), begins from its checkpoint: step [23] of 4 is done/,
  );
  expect(stdout).toContain("✓ the zombie's late PATCH is refused: 409 stale_lease");
  expect(stdout.trimEnd()).toMatch(/the demo is over, and everything was so\.$/);
}, 90_000);
