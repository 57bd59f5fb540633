/** The house's import directions; each rule says why it is there. */
/** @type {import("dependency-cruiser").IConfiguration} */
export default {
  forbidden: [
    {
      name: "no-cycles",
      comment: "A cycle means two modules are one: neither can be read or tested alone.",
      severity: "error",
      from: {},
      to: { circular: true },
    },
    {
      name: "schema-stands-alone",
      comment: "The documents and limits are the base everything agrees on; they know nobody.",
      severity: "error",
      from: { path: "^shared/schema" },
      to: { path: "^(shared/(core|store|telemetry)|functions|host|demo|test)" },
    },
    {
      name: "core-knows-no-adapter",
      comment:
        "The protocol is proved against its ports; an adapter inside it could not be replaced by a simulation.",
      severity: "error",
      from: { path: "^shared/core" },
      to: { path: "^(shared/(store|telemetry|settings|system|schedule)|functions|host|demo|test)" },
    },
    {
      name: "core-does-no-io",
      comment: "Hashing apart, the core reaches the world only through its ports.",
      severity: "error",
      from: { path: "^shared/(core|schema)" },
      to: { dependencyTypes: ["core"], pathNot: "^(node:)?crypto$" },
    },
    {
      name: "core-imports-no-sdk",
      comment: "No type of Azure's or OpenTelemetry's in a rule of the fleet.",
      severity: "error",
      from: { path: "^shared/(core|schema)" },
      to: { path: "node_modules/@(azure|opentelemetry)" },
    },
    {
      name: "store-knows-only-ports",
      comment: "An adapter implements the port and the schema's containers; it decides nothing.",
      severity: "error",
      from: { path: "^shared/store" },
      to: { path: "^(shared/core/(?!ports)|functions|host|demo|test)" },
    },
    {
      name: "telemetry-knows-only-ports",
      comment: "It listens to the ports; what it hears of decides nothing.",
      severity: "error",
      from: { path: "^shared/telemetry" },
      to: { path: "^(shared/(core/(?!ports)|store|settings)|functions|host|demo|test)" },
    },
    {
      name: "exporter-is-loaded-when-it-is-needed",
      comment: "It takes up to 1.4 s to load: only a dynamic import, where a connection string is set.",
      severity: "error",
      from: { path: "^(shared|functions|host|demo)" },
      to: { path: "^shared/telemetry/azure-monitor\\.ts$", dependencyTypesNot: ["dynamic-import"] },
    },
    {
      name: "one-door-to-the-exporter",
      comment: "What is imported elsewhere would be loaded with monitoring off, too; types cost nothing.",
      severity: "error",
      from: { path: "^(shared|functions|host|demo)", pathNot: "^shared/telemetry/azure-monitor\\.ts$" },
      to: {
        path: "node_modules/(@opentelemetry|@azure/monitor-opentelemetry)",
        dependencyTypesNot: ["type-only"],
      },
    },
    {
      name: "blob-sdk-is-loaded-when-it-is-needed",
      comment: "Whoever has nothing to do with artifacts does not wait for it.",
      severity: "error",
      from: { path: "^(shared|functions|host|demo)" },
      to: { path: "^shared/store/blob-artifacts\\.ts$", dependencyTypesNot: ["dynamic-import"] },
    },
    {
      name: "token-library-is-loaded-when-it-is-needed",
      comment: "Whoever calls with an API key does not wait for it.",
      severity: "error",
      from: { path: "^(shared|functions|host|demo)" },
      to: { path: "^shared/auth/entra\\.ts$", dependencyTypesNot: ["dynamic-import"] },
    },
    {
      name: "auth-knows-no-rule",
      comment: "Who calls is decided before the protocol is asked; of the core it needs the clock's port.",
      severity: "error",
      from: { path: "^shared/auth" },
      to: { path: "^(shared/(core/(?!ports)|store|telemetry|settings)|functions|host|demo|test)" },
    },
    {
      name: "one-composition-root",
      comment: "Only functions/main.ts joins core, adapters and settings.",
      severity: "error",
      from: { path: "^functions", pathNot: "^functions/main\\.ts$" },
      to: { path: "^shared/(store|telemetry|settings|system|schedule)" },
    },
    {
      name: "nobody-imports-the-edges",
      comment: "functions, test, bench and demo are ends: what two of them need belongs in shared.",
      severity: "error",
      from: { path: "^(shared|host|demo)" },
      to: { path: "^(functions|test|bench|tools)" },
    },
    {
      name: "nobody-imports-the-templates",
      comment: "The check of the templates is an end. The definition beside them is everybody's.",
      severity: "error",
      from: { path: "^(shared|functions|host|demo)" },
      to: { path: "^infra", pathNot: "^infra/containers\\.json$" },
    },
    {
      name: "the-check-asks-the-code",
      comment: "It holds templates against schema, repositories and settings, and starts nothing.",
      severity: "error",
      from: { path: "^infra" },
      to: { path: "^(functions|host|demo|test|bench)" },
    },
    {
      name: "host-knows-registrations-only",
      comment:
        "The local host loads the compiled app as the real one does; it may share its settings, no rule.",
      severity: "error",
      from: { path: "^host" },
      to: { path: "^(shared/(core|store|schema|telemetry)|functions|demo|test)" },
    },
    {
      name: "tools-stand-alone",
      comment:
        "What makes the package knows the app as files; what it imported would have to load to be packed.",
      severity: "error",
      from: { path: "^tools" },
      to: { path: "^(shared|functions|host|demo|bench|test)" },
    },
    {
      name: "demo-speaks-http-only",
      comment: "The demo's factories are strangers: what they need must be in the API.",
      severity: "error",
      from: { path: "^demo" },
      to: { path: "^(shared|functions|host|test)" },
    },
    {
      name: "no-orphans",
      severity: "error",
      comment: "A module nobody imports is dead, unless it is an entry.",
      from: {
        orphan: true,
        pathNot: ["^(functions|host|demo|tools|bench|infra/check)/[a-z-]+\\.ts$", "^test/", "\\.json$"],
      },
      to: {},
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: {
      conditionNames: ["import", "node", "default"],
      extensions: [".ts", ".js", ".json"],
    },
  },
};
