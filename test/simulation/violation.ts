/** A broken invariant, by its number in docs/protocol.md. */
export class Violation extends Error {
  readonly invariant: number | "liveness";
  constructor(invariant: number | "liveness", what: string) {
    super(`${invariant === "liveness" ? invariant : `invariant ${invariant}`}: ${what}`);
    this.name = "Violation";
    this.invariant = invariant;
  }
}
