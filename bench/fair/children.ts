/** Processes that end with this one, however it ends. */
import { spawn } from "node:child_process";
import type { ChildProcess, SpawnOptions } from "node:child_process";
import { once } from "node:events";

const running = new Map<ChildProcess, NodeJS.Signals>();

process.once("exit", () => {
  for (const [child, signal] of running) child.kill(signal);
});
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, () => {
    process.exit(130);
  });

/** Starts a process. `signal` is what ends it at once, where this process ends before it was stopped. */
export function startChild(
  program: string,
  args: readonly string[],
  options: SpawnOptions,
  signal: NodeJS.Signals = "SIGKILL",
): ChildProcess {
  const child = spawn(program, args, options);
  running.set(child, signal);
  child.once("exit", () => running.delete(child));
  return child;
}

/** Sends the signal, and waits for the child's end; at once where it has ended. */
export async function stopChild(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill(signal);
  await ended;
}

/** The first line, or piece of one, that the child prints. Rejects when it ends before. */
export async function firstOutput(child: ChildProcess): Promise<string> {
  const { stdout } = child;
  if (stdout === null) throw new Error(`${child.spawnfile} has no output to read`);
  const ended = once(child, "exit").then(() => {
    throw new Error(`${child.spawnargs.join(" ")} ended by itself`);
  });
  ended.catch(() => undefined);
  const [piece] = (await Promise.race([once(stdout, "data"), ended])) as [Buffer];
  // What follows is read and forgotten: a full pipe would stop the child.
  stdout.resume();
  return piece.toString();
}
