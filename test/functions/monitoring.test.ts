/** How the app uses the package that exports its metrics. */
import { afterEach, describe, expect, it } from "vitest";
import type { HttpApp, Provider } from "../support/http-app.js";
import { aProduct } from "../support/http-fleet.js";
import { CONNECTION, aWatchedApp } from "../support/watched-app.js";
import type { Watched } from "../support/watched-app.js";

let app: HttpApp | undefined;
afterEach(async () => {
  await app?.stop();
  app = undefined;
});

async function watched(environment = {}, fails = false, provider?: Provider): Promise<Watched> {
  const started = await aWatchedApp(environment, fails, provider);
  app = started.app;
  return started;
}

describe("the exporter", () => {
  it("is given the connection string, instruments nothing, and is stopped with the app", async () => {
    const { app: running, azure } = await watched();
    const [options] = azure.options as [
      { azureMonitorExporterOptions: object; instrumentationOptions: Record<string, { enabled: boolean }> },
    ];
    expect(options.azureMonitorExporterOptions).toEqual({
      connectionString: CONNECTION,
      disableOfflineStorage: true,
    });
    expect(Object.values(options.instrumentationOptions).some(({ enabled }) => enabled)).toBe(false);
    expect(azure.stopped).toBe(0);
    await running.stop();
    app = undefined;
    expect(azure.stopped).toBe(1);
  });

  it("sends as a managed identity where the settings say so", async () => {
    const id = "11111111-2222-3333-4444-555555555555";
    const auth = { APPLICATIONINSIGHTS_AUTHENTICATION_STRING: `Authorization=AAD;ClientId=${id}` };
    const { azure } = await watched(auth);
    const [options] = azure.options as [{ azureMonitorExporterOptions: { credential: object } }];
    expect(options.azureMonitorExporterOptions.credential.constructor.name).toBe("DefaultAzureCredential");
  });

  it("that can't start is no reason not to work: the log says so once, without the connection string", async () => {
    const { app } = await watched({}, true);
    const product = aProduct(app);
    await product.claimed("f1");
    await product.submit();
    const trouble = () => app.log.filter((line) => line.includes("metrics are not exported"));
    await expect.poll(trouble).toHaveLength(1);
    await product.submit();
    expect(trouble()).toEqual([
      expect.stringMatching(/^error: [\w-]+: metrics are not exported: TypeError while loading$/),
    ]);
    expect(app.log.join("\n")).not.toContain("InstrumentationKey");
  });
});

describe("on Cosmos DB, what it charged", () => {
  it("is measured by operation and container", async () => {
    const { app, exporter } = await watched({}, false, "cosmos");
    await aProduct(app).submit();
    const charges = (await exporter.exported()).filter(([name]) => name === "fleet.store.charge");
    // The emulator charges 1 for everything.
    expect(charges).toEqual([
      ["fleet.store.charge", { operation: "create", container: "fleet_jobs" }, expect.any(Number)],
    ]);
  });
});
