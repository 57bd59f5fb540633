import type { HostLog, LogLevel } from "./rpc.js";

/** Levels that the real host leaves out too, unless its host.json asks for them. */
const silent: ReadonlySet<LogLevel> = new Set(["trace", "debug", "none"]);

/** A log that writes one line for each message, its level first. */
export function logTo(write: (line: string) => void): HostLog {
  return (level, message) => {
    if (!silent.has(level)) write(`${level} ${message.replaceAll(/\s*[\r\n]+\s*/g, " | ")}\n`);
  };
}
