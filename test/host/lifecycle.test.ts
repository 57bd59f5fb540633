import { app as functions } from "@azure/functions";
import { describe, expect, test } from "vitest";
import { startHost } from "../../host/start-host.js";
import { aHost } from "./fixtures/hosted.js";

const quiet = { port: 0, log: () => undefined };

describe("stopping", () => {
  test("a request in flight is answered first, then the app's own end comes", async () => {
    const { host, app } = await aHost();
    const answer = fetch(`${host.url}/slow`);
    await app.slow.begun;
    const stopped = host.stop();
    app.slow.finish();
    expect(await (await answer).text()).toBe("done");
    await stopped;
    expect(app.ended).toEqual(["slow", "terminated"]);
    await expect(fetch(`${host.url}/things/1`)).rejects.toThrow();
  });

  test("a timer that runs finishes first, and none starts any more", async () => {
    const { host, app, ticks } = await aHost();
    ticks.get("every 30000 ms")?.();
    const stopped = host.stop();
    expect([...ticks.keys()]).toEqual([]);
    app.gated.open();
    await stopped;
    expect(app.ended).toEqual(["gated", "terminated"]);
  });

  test("what never ends is cut off after the wait", async () => {
    const { host, app, lines } = await aHost({ stopWaitMs: 1 });
    const answer = fetch(`${host.url}/slow`);
    await app.slow.begun;
    await Promise.all([host.stop(), expect(answer).rejects.toThrow()]);
    expect(app.ended).toEqual(["terminated"]);
    expect(lines).toEqual(["warning what still ran after 1 ms was cut off"]);
  });

  test("stopping twice ends the app once", async () => {
    const { host, app } = await aHost();
    await Promise.all([host.stop(), host.stop()]);
    expect(app.ended).toEqual(["terminated"]);
  });
});

describe("starting", () => {
  test("what the app registered can be listed", async () => {
    const { host } = await aHost();
    expect(host.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(host.functions).toContainEqual({
      kind: "http",
      name: "nested",
      methods: ["GET"],
      path: "/things/{id}/parts/{part}",
    });
    expect(host.functions).toContainEqual({ kind: "timer", name: "gated", schedule: "00:00:30" });
  });

  test("two hosts run side by side in one process", async () => {
    const [one, two] = [await aHost(), await aHost()];
    await one.host.runFunction("noted");
    expect([one.app.timers.length, two.app.timers.length]).toEqual([1, 0]);
  });

  test("a port that is taken rejects with EADDRINUSE, and the app is ended", async () => {
    const { host } = await aHost();
    const port = Number(new URL(host.url).port);
    await expect(aHost({ port })).rejects.toMatchObject({ code: "EADDRINUSE", syscall: "listen" });
  });

  test("an app that fails while loading says why, and another may be loaded after it", async () => {
    const load = (): Promise<unknown> => Promise.reject(new Error("no such module"));
    await expect(startHost({ ...quiet, load })).rejects.toThrow("no such module");
    await aHost();
  });

  test("an app without a function, as after a wrong import, is refused", async () => {
    const load = (): Promise<unknown> => Promise.resolve();
    await expect(startHost({ ...quiet, load })).rejects.toThrow("the app registered no function");
  });

  test.each<[string, () => unknown, string]>([
    ["one name twice", all(["a", "x"], ["a", "y"]), "two functions are named a"],
    ["one route twice", all(["a", "x/{id}"], ["b", "X/{key}"]), "the functions a and b have the same route"],
    ["a constraint", all(["a", "x/{id:int}"]), "the route of a has the segment {id:int}"],
    ["a path after a catch-all", all(["a", "{*rest}/x"]), "the route of a goes on after a catch-all"],
    [
      "streaming, which this host doesn't do",
      () => {
        functions.setup({ enableHttpStream: true });
      },
      "HTTP streaming",
    ],
    [
      "a hook that would never run",
      () => functions.hook.preInvocation(() => undefined),
      "no preInvocation hooks",
    ],
  ])("%s is refused at the start, not found out later", async (_, register, message) => {
    const load = (): Promise<unknown> => Promise.resolve().then(register);
    await expect(startHost({ ...quiet, load })).rejects.toThrow(message);
  });

  test("a function can't be registered once the app runs, for it would never be called", async () => {
    await aHost();
    expect(() => {
      http("late", "late");
    }).toThrow("The function late was registered after the app had started");
  });
});

function http(name: string, route: string): void {
  functions.http(name, { methods: ["GET"], authLevel: "anonymous", route, handler: () => ({}) });
}

function all(...routes: readonly [name: string, route: string][]): () => void {
  return () => {
    for (const [name, route] of routes) http(name, route);
  };
}
