// @ts-check
/** Draws one plot as SVG, without a screen: https://vega.github.io/vega/docs/api/view/#view_toSVG */
import { parse, View } from "vega";
import { compile } from "vega-lite";

const WIDTH = 560;
const HEIGHT = 320;

/** @param {import("../fair/plots.ts").Plot} plot @returns {Promise<string>} */
export async function draw(plot) {
  const spec = /** @type {any} */ ({
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    title: plot.title,
    background: "white",
    width: WIDTH,
    data: { values: plot.points },
    ...(plot.kind === "lines" ? linesOf(plot) : barsOf(plot)),
  });
  const view = new View(parse(compile(spec).spec), { renderer: "none" });
  return view.toSVG();
}

/** @param {Extract<import("../fair/plots.ts").Plot, { kind: "lines" }>} plot */
function linesOf({ x, y, points }) {
  const xs = [...new Set(points.map((point) => point.x))].sort((a, b) => a - b);
  // Symlog shows a zero, too.
  const xScale = xs[0] === 0 ? { type: "symlog" } : { type: "log", base: 2 };
  return {
    height: HEIGHT,
    mark: { type: "line", point: true },
    encoding: {
      x: { field: "x", type: "quantitative", title: x, scale: xScale, axis: { values: xs, format: ",d" } },
      y: { field: "y", type: "quantitative", title: y, scale: { type: "log" }, axis: { format: "~r" } },
      color: { field: "series", type: "nominal", title: null, sort: null },
      shape: { field: "series", type: "nominal", title: null, sort: null },
    },
  };
}

/** @param {Extract<import("../fair/plots.ts").Plot, { kind: "bars" }>} plot */
function barsOf({ y }) {
  return {
    height: { step: 28 },
    encoding: {
      y: {
        field: "series",
        type: "nominal",
        title: null,
        sort: null,
        axis: { labelLimit: 400 },
      },
      x: { field: "y", type: "quantitative", title: y },
    },
    layer: [
      { mark: "bar" },
      {
        mark: { type: "text", align: "left", dx: 4 },
        encoding: { text: { field: "y", type: "quantitative", format: "~r" } },
      },
    ],
  };
}
