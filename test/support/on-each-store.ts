import { afterEach, describe } from "vitest";
import type { Store } from "../../shared/core/ports/store.js";
import { storeProviders } from "./store-providers.js";

/** The same claims on every provider of the store port; each test opens a store of its own. */
export function onEachStore(what: string, claims: (open: () => Promise<Store>) => void): void {
  describe.each(storeProviders)(`${what} ($name)`, (provider) => {
    const closing: (() => Promise<void> | void)[] = [];
    afterEach(async () => {
      for (const close of closing.splice(0)) await close();
    });
    claims(async () => {
      const opened = await provider.open();
      closing.push(() => opened.close());
      return opened.store;
    });
  });
}
