import { expect, test } from "vitest";
import { readSchedule } from "../shared/schedule.js";

test("a schedule is NCRONTAB as the Functions host reads it, or hh:mm:ss", () => {
  expect(readSchedule("*/30 * * * * *")).toEqual({ kind: "cron", pattern: "*/30 * * * * *" });
  expect(readSchedule("*/5 * * * *")).toEqual({ kind: "cron", pattern: "*/5 * * * *" });
  expect(readSchedule("0 30 9 * Jan Mon-Fri")).toMatchObject({ kind: "cron" });
  expect(readSchedule("00:01:30")).toEqual({ kind: "every", ms: 90_000 });
  for (const text of [
    "",
    "*",
    "00:00:00",
    "24:00:00",
    "@hourly",
    "0 0 0 L * *",
    "0 0 0 * * 1#2",
    "60 * * * * *",
  ]) {
    expect(readSchedule(text), text).toBeUndefined();
  }
});
