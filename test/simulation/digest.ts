import { hash } from "node:crypto";

/** Short, and of letters, digits, +, / and = alone. */
export function digest(text: string): string {
  return hash("sha1", text, "base64");
}
