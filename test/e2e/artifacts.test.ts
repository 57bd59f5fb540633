import { execFile } from "node:child_process";
import { readFile, readdir, writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import type { Upload } from "../../shared/core/ports/blobs.js";
import { KEY, startCoordinator } from "../support/coordinator.js";
import { aFolder } from "../support/scratch.js";

interface Listed {
  readonly uploaded: boolean;
  readonly sizeBytes?: number;
  readonly download?: { readonly url: string };
}

it("keeps artifacts under npm start without any setting, beside its other data and over a restart", async () => {
  const folder = await aFolder();
  const first = await startCoordinator(folder);
  const beat = { factoryId: "f1", capabilities: [], seatLimit: 1, load: 0, health: "ok" };
  await first.call("POST", "/fleet/factories/heartbeat", beat);
  await first.call("POST", "/fleet/jobs", { idempotencyKey: "a", bodyMd: "x" });
  const { job } = (await first.call("POST", "/fleet/claim", { factoryId: "f1" })).body as {
    job: { id: string };
  };
  const path = `/fleet/jobs/${job.id}/artifacts`;
  const added = await first.call("POST", path, {
    ...{ factoryId: "f1", leaseEpoch: 1, name: "log.txt", contentType: "text/plain" },
  });
  expect(added.status).toBe(201);
  const { method, url, headers } = added.body["upload"] as Upload;
  expect((await fetch(url, { method, headers, body: "hello" })).status).toBe(201);
  expect(await first.stop("SIGTERM")).toBe(0);
  expect(await readdir(folder)).toContain("azurite");

  const second = await startCoordinator(folder);
  const [listed] = (await second.call("GET", path)).body["value"] as Listed[];
  expect(listed).toMatchObject({ uploaded: true, sizeBytes: 5 });
  expect(await (await fetch(listed?.download?.url ?? "")).text()).toBe("hello");
  expect(await second.stop("SIGTERM")).toBe(0);
});

it("has commands in the README that upload a file when they are pasted", async () => {
  const folder = await aFolder();
  const coordinator = await startCoordinator(folder);
  const beat = { factoryId: "laptop-1", capabilities: [], seatLimit: 1, load: 0, health: "ok" };
  await coordinator.call("POST", "/fleet/factories/heartbeat", beat);
  await coordinator.call("POST", "/fleet/jobs", { idempotencyKey: "a", bodyMd: "x" });
  const { job } = (await coordinator.call("POST", "/fleet/claim", { factoryId: "laptop-1" })).body as {
    job: { id: string };
  };
  const [, section = ""] = (await readFile("README.md", "utf8")).split("\n## Artifacts\n");
  const [, commands = ""] = /```sh\n([^`]+)```/.exec(section) ?? [];
  await writeFile(`${folder}/log.txt`, "hello");
  const { stdout } = await promisify(execFile)("bash", ["-ec", commands.replace("id: demo", "id: acme")], {
    cwd: folder,
    env: { PATH: process.env["PATH"], FLEET_URL: coordinator.url, FLEET_KEY: KEY, JOB_ID: job.id },
  });
  expect(JSON.parse(stdout)).toMatchObject({ value: [{ name: "log.txt", uploaded: true, sizeBytes: 5 }] });
  expect(await coordinator.stop("SIGTERM")).toBe(0);
});
