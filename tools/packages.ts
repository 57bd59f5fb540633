/**
 * What the app is made of, as npm tells it: the packages that it runs with, their licences, and whether
 * anything is known against them. Pure: it is given what npm printed.
 */

/** A package as CycloneDX has it; more is there, and kept. */
export interface Component {
  readonly name: string;
  readonly version: string;
  readonly "bom-ref": string;
  readonly licenses?: readonly {
    readonly license?: { readonly id?: string; readonly name?: string };
    readonly expression?: string;
  }[];
  readonly properties?: readonly { readonly name: string; readonly value: string }[];
}

export interface Sbom {
  readonly bomFormat: string;
  readonly specVersion: string;
  readonly metadata: { readonly component: Component };
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn?: readonly string[] }[];
}

/** Licences that ask for no more than to be named. Another one is looked at by a person first. */
const ALLOWED: ReadonlySet<string> = new Set(["MIT", "Apache-2.0", "BSD-3-Clause", "ISC", "0BSD"]);
/** Packages that say their licence elsewhere than npm looks. */
const LOOKED_UP: Readonly<Record<string, string>> = {
  // Its README says so.
  "semaphore@1.1.0": "MIT",
};
const DEVELOPMENT = "cdx:npm:package:development";

/**
 * The part of npm's whole list that the app runs with, under the project's name. Asked for that part
 * (`--omit dev`), npm 11 leaves out what development needs as well: 182 of 201 packages here. And it calls the
 * project by its folder.
 */
export function runtimeOnly(whole: Sbom, name: string): Sbom {
  const isDevelopment = ({ properties = [] }: Component): boolean =>
    properties.some((property) => property.name === DEVELOPMENT && property.value === "true");
  const components = whole.components.filter((component) => !isDevelopment(component));
  const refs = new Set([whole.metadata.component, ...components].map((component) => component["bom-ref"]));
  const dependencies = whole.dependencies
    .filter(({ ref }) => refs.has(ref))
    .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter((one) => refs.has(one)) }));
  const component = { ...whole.metadata.component, name };
  return { ...whole, metadata: { ...whole.metadata, component }, components, dependencies };
}

/** Packages by licence, most used first. */
export interface Licences {
  readonly byLicence: ReadonlyMap<string, readonly string[]>;
  /** `name@version: licence` of those whose licence nobody has looked at. */
  readonly refused: readonly string[];
}

export function licencesOf({ components }: Pick<Sbom, "components">): Licences {
  const byLicence = Map.groupBy(components, licenceOf);
  const named = [...byLicence].map(
    ([licence, all]) => [licence, all.map(({ name, version }) => `${name}@${version}`)] as const,
  );
  return {
    byLicence: new Map(named.toSorted(([, a], [, b]) => b.length - a.length)),
    refused: named.flatMap(([licence, all]) =>
      ALLOWED.has(licence) ? [] : all.map((one) => `${one}: ${licence}`),
    ),
  };
}

function licenceOf({ name, version, licenses = [] }: Component): string {
  const said = licenses.map(({ license, expression }) => expression ?? license?.id ?? license?.name ?? "");
  return said.length > 0 ? said.join(" AND ") : (LOOKED_UP[`${name}@${version}`] ?? "none");
}

export type AuditOutcome =
  | { readonly kind: "clean" }
  | { readonly kind: "vulnerable"; readonly counts: string }
  /** Nothing is known: not that there is nothing. */
  | { readonly kind: "unanswered"; readonly why: string };

/** What `npm audit --json` printed. Whatever is no report is no answer. */
export function judgeAudit(printed: string): AuditOutcome {
  const report = parse(printed);
  const counts = (report["metadata"] as { vulnerabilities?: unknown } | undefined)?.vulnerabilities;
  if (typeof report["auditReportVersion"] !== "number" || typeof counts !== "object" || counts === null) {
    const { message } = report;
    return { kind: "unanswered", why: typeof message === "string" ? message : "npm gave no report" };
  }
  const found = Object.entries(counts as Record<string, number>).filter(
    ([severity, count]) => severity !== "total" && count > 0,
  );
  if (found.length === 0) return { kind: "clean" };
  return { kind: "vulnerable", counts: found.map(([severity, count]) => `${count} ${severity}`).join(", ") };
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
