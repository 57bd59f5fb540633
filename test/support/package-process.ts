/**
 * The process that serves the package to the route tests: started by the Node that is to be tested, which
 * takes the types out by itself, so it imports nothing of ours but what is compiled.
 */
import type * as StartHost from "../../host/start-host.js";
import type { FromProcess, ToProcess } from "./package-app.js";

const [entry = ""] = process.argv.slice(2);
const tell = (message: FromProcess): void => void process.send?.(message);

let offsetMs = 0;
const realNow = Date.now.bind(Date);
Date.now = () => realNow() + offsetMs;

const compiled = new URL("../../dist/host/start-host.js", import.meta.url).href;
const { startHost } = (await import(compiled)) as typeof StartHost;
const host = await startHost({
  load: () => import(entry),
  port: 0,
  log: (level, line) => {
    tell({ kind: "logged", line: `${level}: ${line}` });
  },
});

async function obey(message: ToProcess): Promise<unknown> {
  switch (message.what) {
    case "flush":
      return undefined;
    case "advance":
      offsetMs = message.offsetMs;
      return undefined;
    case "run":
      return host.runFunction(message.name);
    case "stop":
      await host.stop();
      return undefined;
  }
}

process.on("message", (message: ToProcess) => {
  obey(message).then(
    (value) => {
      tell({ kind: "done", id: message.id, value });
      if (message.what === "stop") process.disconnect();
    },
    (error: unknown) => {
      tell({ kind: "failed", id: message.id, why: String(error) });
    },
  );
});
// The test is gone, and nobody else knows this process.
process.on("disconnect", () => process.exit(0));
tell({ kind: "serving", url: host.url, functions: host.functions, nodeVersion: process.version });
