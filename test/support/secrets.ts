/** Secrets that tests plant, and the search for them in what was written. */
import { expect } from "vitest";

/** Random text of so many characters, of the alphabet of keys. Nothing else that a test writes holds it by chance. */
export function random(chars: number): string {
  const bytes = crypto.getRandomValues(new Uint8Array(chars));
  return Buffer.from(bytes).toString("base64url").replaceAll(/[-_]/g, "x").slice(0, chars);
}

/** Secrets of each kind that the coordinator meets, new with each call, in their real shape. */
export function canaries() {
  const part = (json: object): string => Buffer.from(JSON.stringify(json)).toString("base64url");
  return {
    apiKey: `fleet_${random(43)}`,
    wrongKey: `fleet_${random(43)}`,
    token: `${part({ alg: "RS256" })}.${part({ sub: random(12) })}.${random(43)}`,
    accountKey: `${random(86)}==`,
    instrumentationKey: crypto.randomUUID(),
    signature: random(43),
  };
}

/** Everything that was written, by what it is: answers, logs, files. */
export class Writings {
  readonly #all: { readonly what: string; readonly text: string }[] = [];

  add(what: string, ...texts: readonly string[]): void {
    for (const text of texts) this.#all.push({ what, text });
  }

  async answer(what: string, response: Response): Promise<string> {
    const text = await response.text();
    this.add(what, text, JSON.stringify([...response.headers]));
    return text;
  }

  get size(): number {
    return this.#all.length;
  }

  /** Fails where one of the secrets is in any of it, as it is or as URLs and base64 have it. */
  mustNotHold(secrets: Readonly<Record<string, string>>): void {
    const found = Object.entries(secrets).flatMap(([name, secret]) =>
      this.#all.filter(({ text }) => holds(text, secret)).map(({ what }) => `${name} in ${what}`),
    );
    expect([...new Set(found)]).toEqual([]);
  }
}

/** A search that fails where a text holds one of these secrets. */
export function searchFor(secrets: readonly string[]): (text: string) => void {
  return (text) => {
    expect(secrets.filter((secret) => holds(text, secret))).toEqual([]);
  };
}

export function holds(text: string, secret: string): boolean {
  const base64 = Buffer.from(secret).toString("base64").replaceAll("=", "").slice(0, -1);
  return [secret, encodeURIComponent(secret), base64].some((form) => text.includes(form));
}
