import { app as functions } from "@azure/functions";
import { expect, test } from "vitest";
import { runByHand } from "../../host/admin.js";
import { startHost } from "../../host/start-host.js";
import { systemScheduler } from "../../host/timers.js";
import { aHost } from "./fixtures/hosted.js";

const HOURLY = "0 0 * * * *";
const EVERY_30_S = "every 30000 ms";

test("a timer runs when its schedule comes round, and gets the timer object of Azure", async () => {
  const { host, app, ticks } = await aHost();
  expect([...ticks.keys()]).toEqual([HOURLY, EVERY_30_S, "0 0 0 1 1 *"]);
  ticks.get(HOURLY)?.();
  await host.stop();
  expect(app.timers).toEqual([
    {
      schedule: { adjustForDST: true },
      scheduleStatus: {
        last: expect.stringMatching(/Z$/) as string,
        next: "2030-01-01T00:00:00.000Z",
        lastUpdated: expect.stringMatching(/Z$/) as string,
      },
      isPastDue: false,
    },
  ]);
});

test("a timer never runs beside itself: a tick that comes too early is left out", async () => {
  const { host, app, lines, ticks } = await aHost();
  ticks.get(EVERY_30_S)?.();
  ticks.get(EVERY_30_S)?.();
  app.gated.open();
  const byHand = host.runFunction("gated");
  app.gated.open();
  expect(await byHand).toEqual({ kind: "ran" });
  expect(app.gated.runs).toBe(2);
  expect(lines).toEqual(["warning gated is still running: this tick is left out"]);
});

test("a timer that fails is in the log, and runs again the next time", async () => {
  const { host, lines } = await aHost();
  expect(await host.runFunction("broken")).toEqual({ kind: "failed" });
  expect(await host.runFunction("broken")).toEqual({ kind: "failed" });
  expect(lines).toHaveLength(2);
  expect(lines[0]).toMatch(/^error broken failed: Error: the timer broke/);
});

test("POST /admin/functions/<name> runs a timer once and answers after it", async () => {
  const { host, app } = await aHost();
  const response = await fetch(`${host.url}/admin/functions/noted`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: "{}",
  });
  expect([response.status, await response.text()]).toEqual([202, ""]);
  expect(response.headers.get("x-request-id")).not.toBeNull();
  expect(app.timers).toHaveLength(1);
});

test("an unknown function, and one that HTTP triggers, can't be run by hand", async () => {
  const { host } = await aHost();
  for (const name of ["unheard-of", "echo"]) {
    expect(await host.runFunction(name)).toEqual({ kind: "unknown" });
    const response = await fetch(`${host.url}/admin/functions/${name}`, { method: "POST" });
    expect(response.status).toBe(404);
    expect(response.headers.get("x-ms-error-code")).toBe("not_found");
  }
});

test("another machine can't run a function by hand, whatever address the host is bound to", async () => {
  const run = (): never => expect.fail("it ran");
  for (const address of ["10.0.0.7", "::ffff:10.0.0.7", "fe80::1", undefined]) {
    expect(await runByHand("POST", "/admin/functions/noted", address, "r-1", run)).toBeUndefined();
  }
});

test("a schedule that can't be read keeps the app from starting", async () => {
  const load = (): Promise<void> => {
    functions.timer("odd", { schedule: "now and then", handler: () => undefined });
    return Promise.resolve();
  };
  await expect(startHost({ load, port: 0, log: () => undefined })).rejects.toThrow(
    "the schedule of odd is neither NCRONTAB nor hh:mm:ss",
  );
});

test("real time: NCRONTAB is read in UTC, hh:mm:ss counts from the start", () => {
  const cron = systemScheduler({ kind: "cron", pattern: "0 30 4 1 1 *" }, () => undefined);
  expect(cron.next()?.toISOString()).toMatch(/-01-01T04:30:00.000Z$/);
  cron.stop();
  const before = Date.now();
  const every = systemScheduler({ kind: "every", ms: 3_600_000 }, () => undefined);
  expect(every.next()?.getTime()).toBeGreaterThanOrEqual(before + 3_600_000);
  every.stop();
});

test("real time: a timer ticks", async () => {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const every = systemScheduler({ kind: "every", ms: 5 }, () => {
    resolve(undefined);
  });
  await promise;
  every.stop();
});
