import { expect, it } from "vitest";
import { withAzurite } from "../support/azurite.js";
import { run, seedOr } from "./run.js";

const azurite = withAzurite();

it("no request out of 20,000 gets an answer that it should not, or leaves a trace when it is refused", async () => {
  const seed = seedOr(Math.floor(Date.now() / 1000));
  const { untouched } = await run(20_000, seed, azurite().connectionString);
  expect([...untouched]).toEqual([]);
});
