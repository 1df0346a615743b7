// The house's import rules: contracts -> (ABI) -> sdk -> coprocessor core -> ports -> adapters; pipeline sees core and
// ports. `npm run check -- imports` holds them; Solidity's imports have a check of their own.

/** Folders of the coprocessor that hold a port and its adapters. */
const STAGES = "chain|queue|inference|models|peers|submit|store|observe|keys";
const PORT = "^coprocessor/[^/]+/port\\.ts$";
const ADAPTER = `^coprocessor/(${STAGES}|rpc)/`;
const SDK = "^sdk/";
const TEST = "\\.test\\.ts$";

const npm = (names) => `node_modules/(${names})(/|$)`;

module.exports = {
  forbidden: [
    {
      name: "no-circular",
      comment:
        "Files that need each other to load are one idea, or one of them knows too much. Types may go round.",
      severity: "error",
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    },
    {
      name: "not-to-unresolvable",
      comment: "The module is not there, or its package does not export it.",
      severity: "error",
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: "declared-dependencies-only",
      comment:
        "A package imports what its own package.json declares as dependency or peer, or it breaks once published.",
      severity: "error",
      from: { path: "^(sdk|coprocessor)/", pathNot: TEST },
      to: { dependencyTypes: ["npm-no-pkg", "npm-dev", "npm-unknown"] },
    },
    {
      name: "sdk-knows-nobody",
      comment: "Apps use the SDK without the coprocessor.",
      severity: "error",
      from: { path: SDK },
      to: { path: "^(coprocessor|scripts|examples|test)/" },
    },
    {
      name: "sdk-runs-in-browsers",
      severity: "error",
      from: { path: SDK, pathNot: TEST },
      to: { dependencyTypes: ["core"] },
    },
    {
      name: "core-is-pure",
      comment: "Decisions only: no I/O, no port, no adapter; types and pure functions of these packages.",
      severity: "error",
      from: { path: "^coprocessor/core/" },
      to: { pathNot: ["^coprocessor/core/", SDK, npm("viem|abitype|zod")] },
    },
    {
      name: "ports-know-only-core",
      severity: "error",
      from: { path: PORT },
      to: { pathNot: ["^coprocessor/core/", SDK, npm("viem|abitype")] },
    },
    {
      name: "pipeline-sees-core-and-ports",
      comment: "Also of packages and Node it sees only what core may see.",
      severity: "error",
      from: { path: "^coprocessor/pipeline/" },
      to: { pathNot: ["^coprocessor/(core|pipeline)/", PORT, SDK, npm("viem|abitype|zod")] },
    },
    {
      name: "adapters-do-not-know-each-other",
      comment: "What two stages share is a type in core, or is handed in by compose/.",
      severity: "error",
      from: { path: `^coprocessor/(${STAGES})/` },
      to: { path: "^coprocessor/", pathNot: ["^coprocessor/(core|$1)/", PORT, "^coprocessor/rpc/"] },
    },
    {
      name: "rpc-only-below-chain-and-submit",
      comment: "The JSON-RPC client is no port: it is what these two adapters share to reach one endpoint.",
      severity: "error",
      from: {
        path: "^coprocessor/",
        pathNot: "^coprocessor/(rpc|chain|submit)/|^coprocessor/compose/(node|rebuild|heads)\\.ts$",
      },
      to: { path: "^coprocessor/rpc/" },
    },
    {
      name: "rpc-knows-core-and-ports",
      severity: "error",
      from: { path: "^coprocessor/rpc/" },
      to: { path: "^coprocessor/", pathNot: ["^coprocessor/(core|rpc)/", PORT] },
    },
    {
      name: "only-main-chooses-adapters",
      comment:
        "main.ts starts what compose/ puts together. testing.ts hands adapters to the adversary harness. The workbench is the composition of what needs no chain: commands and benches that run models. `sibyl key` makes the files that one adapter reads; there is nothing to choose.",
      severity: "error",
      from: {
        path: "^coprocessor/",
        pathNot: [
          ADAPTER,
          "^coprocessor/(main|workbench|testing)\\.ts$",
          "^coprocessor/compose/",
          "^coprocessor/cli/keyCommand.ts$",
        ],
      },
      to: { path: ADAPTER, pathNot: PORT },
    },
    {
      name: "queue-engine-only-in-queue",
      comment: "Scripts start servers of it, and measure it bare.",
      severity: "error",
      from: {
        path: "^(coprocessor|sdk|scripts|examples)/",
        pathNot: "^coprocessor/queue/|^scripts/(services|bench)/",
      },
      to: { path: npm("bullmq|ioredis") },
    },
    {
      name: "telemetry-only-in-observe",
      comment: "BullMQ makes the queue's spans itself, through its own integration.",
      severity: "error",
      from: {
        path: "^(coprocessor|sdk|scripts|examples)/",
        pathNot: "^coprocessor/observe/|^coprocessor/queue/bullmqTracing\\.ts$",
      },
      to: { path: npm("prom-client|bullmq-otel|@opentelemetry/[^/]+") },
    },
    {
      name: "gossip-only-in-peers",
      severity: "error",
      from: { path: "^(coprocessor|sdk|scripts|examples)/", pathNot: "^coprocessor/peers/" },
      to: { path: npm("libp2p|@libp2p/[^/]+|@multiformats/[^/]+") },
    },
    {
      name: "model-runtime-only-in-inference",
      comment: "Training and benches measure a model with the runtime that will serve it.",
      severity: "error",
      from: {
        path: "^(coprocessor|sdk|scripts|examples)/",
        pathNot: "^coprocessor/inference/|^scripts/(train|bench)/",
      },
      to: { path: npm("onnxruntime-[^/]+") },
    },
    {
      name: "postgres-only-in-store-and-queue",
      severity: "error",
      from: {
        path: "^(coprocessor|sdk|scripts|examples)/",
        pathNot: "^coprocessor/(store|queue)/|^scripts/services/",
      },
      to: { path: npm("drizzle-orm|pg|@electric-sql/[^/]+") },
    },
    {
      name: "public-face-of-the-coprocessor",
      comment:
        "Examples and scripts are what users copy: they import @sibyl/coprocessor, or start its command.",
      severity: "error",
      from: { path: "^(examples|scripts)/" },
      to: { path: "^coprocessor/", pathNot: "^coprocessor/(index|testing)\\.ts$" },
    },
    {
      name: "only-adversaries-speak-without-being-operators",
      comment:
        "What @sibyl/coprocessor/testing offers is for attacking a local network, not for building on.",
      severity: "error",
      from: { path: "^(examples|scripts|sdk|coprocessor)/", pathNot: "^scripts/adversary/" },
      to: { path: "^coprocessor/testing\\.ts$" },
    },
    {
      name: "public-face-of-the-sdk",
      comment: "Outside the SDK it is called @sibyl/sdk, never by a path.",
      severity: "error",
      from: { path: "^(examples|scripts|coprocessor)/" },
      to: { path: SDK, dependencyTypes: ["local"], dependencyTypesNot: ["aliased"] },
    },
    {
      name: "nobody-imports-examples-or-tests",
      severity: "error",
      from: { path: "^(sdk|coprocessor|scripts)/" },
      to: { path: "^(examples|test)/" },
    },
    {
      name: "examples-do-not-know-each-other",
      severity: "error",
      from: { path: "^examples/([^/]+)/" },
      to: { path: "^examples/", pathNot: "^examples/$1/" },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    doNotFollow: { path: "node_modules" },
    exclude: { path: "(^|/)\\.cache/" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "require", "node", "default", "types"],
      mainFields: ["module", "main", "types", "typings"],
    },
  },
};
