/** Words for what is wrong with a setting that is text: what it must be, never what it is. */
import { z } from "zod";

export function say(mustBe: string): { error: (issue: { readonly input?: unknown }) => string } {
  return { error: (issue) => (issue.input === undefined ? "is not set" : mustBe) };
}

export function text(pattern: RegExp, mustBe: string) {
  return z.string(say(mustBe)).regex(pattern, { error: mustBe, abort: true });
}
