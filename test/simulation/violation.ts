/** A broken invariant, by its number or its name in docs/protocol.md. */
export class Violation extends Error {
  readonly invariant: number | "liveness" | "profile";
  constructor(invariant: number | "liveness" | "profile", what: string) {
    super(`${typeof invariant === "string" ? invariant : `invariant ${invariant}`}: ${what}`);
    this.name = "Violation";
    this.invariant = invariant;
  }
}
