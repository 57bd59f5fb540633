/** What a document says, as it was sent: read, told apart and shown as often as somebody asks, and worked out once. */
import { digest } from "./digest.js";
import type { Content, Doc } from "./operation.js";

export class SentContent implements Content {
  readonly json: string;
  #doc: Doc | undefined;
  #digest: string | undefined;
  #shown: Map<string, string> | undefined;

  constructor(json: string) {
    this.json = json;
  }

  get doc(): Doc {
    return (this.#doc ??= JSON.parse(this.json) as Doc);
  }

  get digest(): string {
    return (this.#digest ??= digest(this.json));
  }

  copy(fields: readonly string[] | "all"): unknown {
    const doc = JSON.parse(this.json) as Doc;
    if (fields === "all") return doc;
    return Object.fromEntries(fields.filter((f) => doc[f] !== undefined).map((f) => [f, doc[f]]));
  }

  shown(fields: readonly string[] | "all"): string {
    if (fields === "all") return this.digest;
    const name = fields.join();
    const known = (this.#shown ??= new Map<string, string>());
    let text = known.get(name);
    if (text === undefined) {
      text = JSON.stringify(fields.map((f) => (this.doc[f] === undefined ? [] : [this.doc[f]])));
      known.set(name, text);
    }
    return text;
  }
}
