/**
 * The order of a graph whose nodes are numbers. A library gives a topological order, and the nodes of a
 * cycle; what is wanted here is what may go side by side, and a cycle's path: twenty lines.
 */

export type Ordered =
  /** Levels from first to last: a node's edges go to earlier levels only. */
  | { readonly kind: "ordered"; readonly levels: readonly (readonly number[])[] }
  /** A path that ends where it begins, each node with an edge to the next. */
  | { readonly kind: "cyclic"; readonly cycle: readonly number[] };

/** Orders nodes 0 to n−1, of which `edges[n]` names those that must come before n. */
export function inLevels(edges: readonly (readonly number[])[]): Ordered {
  const levels: number[][] = [];
  const done = new Set<number>();
  for (let left = edges.map((_, node) => node); left.length > 0;) {
    const ready = left.filter((node) => edges[node]?.every((before) => done.has(before)) === true);
    if (ready.length === 0) return { kind: "cyclic", cycle: cycleAmong(left, edges, done) };
    for (const node of ready) done.add(node);
    left = left.filter((node) => !done.has(node));
    levels.push(ready);
  }
  return { kind: "ordered", levels };
}

/** Each of these nodes waits for another of them: going on from one to the next meets one again. */
function cycleAmong(
  waiting: readonly number[],
  edges: readonly (readonly number[])[],
  done: ReadonlySet<number>,
): number[] {
  const path: number[] = [];
  let node = waiting[0] ?? 0;
  while (!path.includes(node)) {
    path.push(node);
    node = edges[node]?.find((before) => !done.has(before)) ?? node;
  }
  return [...path.slice(path.indexOf(node)), node];
}
