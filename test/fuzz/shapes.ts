/** Requests of one route: fine ones, and the same with one thing that is odd. */
import fc from "fast-check";
import { oddBody, oneField } from "./odd-body.js";
import { brokenHttp, oddHeaders } from "./odd-headers.js";
import { oddPath, oddQuery } from "./odd-target.js";
import { fine } from "./shape.js";
import type { Shape, Taken } from "./shape.js";

/** Requests of one route, fine ones and all kinds of odd ones. */
export function shapesOf(taken: Taken): fc.Arbitrary<Shape> {
  const base = fine(taken);
  const weigh = (weight: number, list: fc.Arbitrary<Shape>[]) =>
    list.map((arbitrary) => ({ weight, arbitrary }));
  return fc.oneof(
    { weight: 16, arbitrary: base },
    ...weigh(30, oneField(taken, base)),
    ...weigh(5, oddBody(taken, base)),
    ...weigh(4, oddHeaders(base)),
    ...weigh(8, oddQuery(taken, base)),
    ...weigh(4, oddPath(taken, base)),
    ...weigh(3, brokenHttp(base)),
  );
}
