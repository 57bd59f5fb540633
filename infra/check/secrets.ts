/** Looks through a compiled template for what must not be in one. */
import { z } from "zod";

const parameter = z.object({ type: z.string(), allowedValues: z.array(z.unknown()).optional() });
const parameters = z.record(z.string(), parameter);

/** Text that is a secret, or fetches one, and what it is. */
const FORBIDDEN: readonly (readonly [RegExp, string])[] = [
  [/\blist[A-Z]\w*\s*\(/, "a list… function, which fetches keys"],
  [/\b(?:AccountKey|SharedAccessKey|SharedAccessSignature)=/i, "a connection string with a key"],
  [/[?&]sig=/, "a signed URL"],
  [/\b[A-Za-z0-9+/]{86}==/, "an account key"],
  [/\b[0-9a-f]{64}\b/i, "64 hex digits, the size of a key's hash"],
  [/-----BEGIN /, "a PEM block"],
  [/"(?:primary|secondary)\w*Key"|InstrumentationKey/i, "a key of a resource"],
];

/** What the template holds that it must not, each as one sentence. */
export function secretsIn(compiled: string): readonly string[] {
  return [
    ...FORBIDDEN.filter(([pattern]) => pattern.test(compiled)).map(
      ([pattern, what]) => `the template holds ${what}: ${pattern.exec(compiled)?.[0] ?? ""}`,
    ),
    ...openParameters(JSON.parse(compiled)).map((name) => `the parameter ${name} must be secure`),
  ];
}

/** Parameters of any depth that are named like a secret and would be written down with the deployment. */
function openParameters(value: unknown): readonly string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, within]) => {
    const found = name === "parameters" ? parameters.safeParse(within) : undefined;
    if (found?.success !== true) return openParameters(within);
    return Object.entries(found.data)
      .filter(([each, { type, allowedValues }]) => {
        const named = /key|secret|password|token|connectionstring/i.test(each);
        return named && !/^secure/i.test(type) && allowedValues === undefined;
      })
      .map(([each]) => each);
  });
}
