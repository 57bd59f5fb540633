import { expect, it } from "vitest";
import { blobName, jobPrefix } from "../../shared/store/blob-names.js";

const BLOB = { productId: "acme", jobId: "j1", leaseEpoch: 2, name: "log.txt" };

it("is product, job, epoch and name, under the job's prefix", () => {
  expect(blobName(BLOB)).toBe("acme/j1/2/log.txt");
  expect(blobName(BLOB).startsWith(jobPrefix("acme", "j1"))).toBe(true);
  expect(blobName(BLOB).startsWith(jobPrefix("acme", "j"))).toBe(false);
});

it("has no segment that ends in a dot, which Azure cuts off: the emulator would not show it", () => {
  const dotted = { ...BLOB, productId: "acme.", jobId: "j1..", name: "log." };
  expect(blobName(dotted)).toBe("acme%2E/j1.%2E/2/log%2E");
});
