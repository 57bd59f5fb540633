/** `npm run bench:cost` measures the app as it is: what it does more, costs more. */
import { readFileSync } from "node:fs";
import { afterEach, describe, expect, it } from "vitest";
import { billOf } from "../../bench/cost/bill.js";
import { liveOnce } from "../../bench/cost/life.js";
import { EXAMPLE, SHOWN_KB } from "../../bench/cost/markdown.js";
import { figuresOf } from "../../bench/cost/report.js";
import type { BodyFigures } from "../../bench/cost/report.js";
import { newMeter } from "../../bench/meter/meter.js";
import { startMeteredApp } from "../../bench/meter/metered-app.js";
import { createRu } from "../../bench/meter/request-units.js";
import type { Store } from "../../shared/core/ports/store.js";
import { openSqliteStore } from "../../shared/store/sqlite-store.js";
import { aDocument } from "../support/documents.js";
import { intercept } from "../support/intercept.js";

let stop: (() => Promise<void>) | undefined;
afterEach(async () => {
  await stop?.();
  stop = undefined;
});

/** The figures of a life with a body of `kb` KB, by an app whose store `changed` has changed. */
async function lived(
  kb: number,
  changed: (metered: Store) => Store = (metered) => metered,
): Promise<BodyFigures> {
  const meter = newMeter();
  const store = openSqliteStore({ path: ":memory:" });
  const app = await startMeteredApp(meter, changed(meter.on(store)));
  stop = async () => {
    await app.stop();
    store.close();
  };
  const figures = figuresOf(kb, await liveOnce(app, meter, { kb, product: "acme" }));
  await stop();
  stop = undefined;
  return figures;
}

const stepOf = ({ steps }: BodyFigures, name: string) => {
  const found = steps.find((step) => step.name === name);
  if (found === undefined) throw new Error(`no step ${name}`);
  return found;
};

/** The steps as docs/cost.md shows them. */
function shownSteps() {
  const [, rows = ""] = readFileSync("docs/cost.md", "utf8").split("step by step");
  const [table = ""] = rows.split("A life, by the size");
  return table
    .split("\n")
    .filter((line) => line.startsWith("| ") && !line.startsWith("| Step") && !line.startsWith("| ---"))
    .map((line) => {
      const [name = "", ...figures] = line.split("|").slice(1, -1);
      const [requests = NaN, sequential = NaN, ru = NaN, strongRu = NaN, naiveRu = NaN] = figures.map(Number);
      return { name: name.trim().replace(/^\((.*)\)$/, "$1"), requests, sequential, ru, strongRu, naiveRu };
    });
}

describe("docs/cost.md", () => {
  it("shows what the code costs now: npm run bench:cost -- --update", async () => {
    const { steps } = await lived(SHOWN_KB);
    const shown = shownSteps();
    expect(shown.map(({ name, requests, sequential }) => [name, requests, sequential])).toEqual(
      steps.map(({ name, requests, sequential }) => [name, requests, sequential]),
    );
    // Documents differ by a few bytes from run to run.
    const nearly = (ru: number): unknown => expect.closeTo(ru, 0);
    for (const [place, { ru, strongRu, naiveRu }] of steps.entries())
      expect(shown[place]).toMatchObject({
        ru: nearly(ru),
        strongRu: nearly(strongRu),
        naiveRu: nearly(naiveRu),
      });
  });
});

describe("the bill of a month", () => {
  it("has half the renewals where leases are twice as long", async () => {
    const figures = await lived(1);
    const [short] = billOf(EXAMPLE, figures);
    const [long] = billOf({ ...EXAMPLE, leaseSeconds: EXAMPLE.leaseSeconds * 2 }, figures);
    // 20 factories with 4 seats renew every 30 s, for 15 RU with Strong's reads.
    expect(short?.what).toBe("renewals");
    expect(short?.perSecond).toBeCloseTo(80 / 30, 5);
    expect(short?.ruEach).toBeCloseTo(stepOf(figures, "renew x10").strongRu / 10, 5);
    expect(short?.dollarsPerMonth).toBeCloseTo(((short?.ruPerSecond ?? 0) * 2_592_000 * 0.25) / 1e6, 5);
    expect(long?.ruPerSecond).toBeCloseTo((short?.ruPerSecond ?? 0) / 2, 5);
  });
});

describe("the cost of a life", () => {
  it("grows by a write that is added to each renewal, in requests, round trips and units", async () => {
    let added = 0;
    const before = await lived(1);
    const after = await lived(1, (metered) =>
      intercept(metered, async (call, proceed) => {
        if (call.container === "fleet_leases" && call.method === "replaceIfMatch") {
          const id = `extra:${++added}`;
          await metered.create("fleet_artifacts", aDocument.fleet_artifacts({ id, jobId: "extra" }));
        }
        return proceed();
      }),
    );
    const [was, is] = [stepOf(before, "renew x10"), stepOf(after, "renew x10")];
    expect(is.requests - was.requests).toBe(10);
    expect(is.sequential - was.sequential).toBe(1);
    // jobId, leaseEpoch, id, and the composite index of the last two.
    expect(is.ru - was.ru).toBeCloseTo(10 * createRu(0, 4), 1);
    expect(stepOf(after, "submit")).toEqual(stepOf(before, "submit"));
    expect(after.totalRu - before.totalRu).toBeGreaterThan(is.ru - was.ru - 0.1);
  });
});
