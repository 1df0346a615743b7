import { readdirSync } from "node:fs";
import { join } from "node:path";
import { interruptedBy, launch, signalExitCode } from "./launch.mjs";
import { root } from "./root.mjs";

const LIMIT_MS = 3 * 60_000;
const SOURCE = ["sdk", "coprocessor", "examples", "test", "scripts"];

const SOLHINT = ["node_modules/solhint/solhint.js", "--disc", "--noPoster", "--max-warnings=0"];

/**
 * Each is a program under Node that exits with 0 if and only if all is well.
 *
 * @type {{ name: string, about: string, fix?: string, args: () => string[] }[]}
 */
const CHECKS = [
  {
    name: "lint",
    about: "format and lint of TypeScript, JavaScript and JSON (biome)",
    fix: "npm run format",
    args: () => [
      "node_modules/@biomejs/biome/bin/biome",
      "ci",
      "--colors=off",
      "--error-on-warnings",
      "--max-diagnostics=200",
      ".",
    ],
  },
  {
    name: "solidity-format",
    about: "format of Solidity (forge fmt)",
    fix: "npm run format",
    args: () => ["scripts/foundry/forge.mjs", "fmt", "--check"],
  },
  {
    name: "solidity-lint",
    about: "lint of Solidity (solhint)",
    args: () => [...SOLHINT, "contracts/**/*.sol", "examples/*/contracts/**/*.sol"],
  },
  {
    name: "solidity-test-lint",
    about: "lint of Solidity tests (solhint)",
    args: () => [
      ...SOLHINT,
      "--config=test/contracts/.solhint.json",
      "test/contracts/**/*.sol",
      "examples/*/test/**/*.sol",
    ],
  },
  {
    name: "imports",
    about: "who may import whom (dependency-cruiser; rules in .dependency-cruiser.cjs)",
    args: () => [
      "node_modules/dependency-cruiser/bin/dependency-cruise.mjs",
      "--config",
      ".dependency-cruiser.cjs",
      ...present(SOURCE),
    ],
  },
  {
    name: "solidity-imports",
    about: "Solidity of a package imports itself and its declared dependencies",
    args: () => ["scripts/tasks/solidityImports.mjs"],
  },
  {
    name: "lockfile",
    about: "package-lock.json is complete for all platforms and names no download address",
    fix: "node scripts/tasks/lockfile.mjs --write",
    args: () => ["scripts/tasks/lockfile.mjs"],
  },
  {
    name: "types",
    about: "types (tsc)",
    args: () => ["node_modules/typescript/bin/tsc", "--noEmit"],
  },
  {
    name: "page-types",
    about: "types of the examples' pages, which run in browsers (tsc)",
    args: () => ["node_modules/typescript/bin/tsc", "--noEmit", "-p", "examples/tsconfig.web.json"],
  },
  {
    name: "generated",
    about: "ABIs in the SDK are those of the contracts",
    fix: "npm run generate",
    args: () => ["--import", "tsx", "scripts/generate/abi.ts", "--check"],
  },
  {
    name: "vectors",
    about: "test vectors are what the SDK makes",
    fix: "npm run generate",
    args: () => ["--import", "tsx", "scripts/generate/vectors.ts", "--check"],
  },
  {
    name: "manifest-schema",
    about: "docs/manifest.schema.json is the SDK's",
    fix: "npm run generate",
    args: () => ["--import", "tsx", "scripts/generate/manifestSchema.ts", "--check"],
  },
];

/**
 * Runs the static checks, all of them also when one fails, and sums up.
 *
 * @param {string[]} names Which; none means all.
 * @returns {Promise<number>} Exit status: 0 if all passed, 2 for an unknown name.
 */
export async function check(names) {
  const unknown = names.filter((name) => !CHECKS.some((known) => known.name === name));
  if (unknown.length > 0) {
    console.error(`There is no check "${unknown[0]}". Checks:`);
    for (const { name, about } of CHECKS) console.error(`  ${name.padEnd(16)} ${about}`);
    return 2;
  }
  const lines = [];
  let failed = 0;
  for (const { name, about, fix, args } of CHECKS) {
    if (names.length > 0 && !names.includes(name)) continue;
    const started = Date.now();
    const exit = await launch(process.execPath, args(), {
      stdout: "capture",
      stderr: "capture",
      timeoutMs: LIMIT_MS,
      endLeftovers: true,
    });
    const signal = interruptedBy();
    if (signal !== null) {
      console.error(`\nStopped by ${signal}.`);
      return signalExitCode(signal);
    }
    const seconds = ((Date.now() - started) / 1000).toFixed(1).padStart(5);
    const ok = exit.code === 0 && !exit.timedOut;
    if (!ok) {
      failed += 1;
      console.log(`\n--- ${name}: ${about}\n${exit.stdout}${exit.stderr}`);
      if (exit.timedOut) console.log(`Ended after its limit of ${LIMIT_MS / 1000} s.`);
    }
    lines.push(
      `${ok ? "ok  " : "FAIL"} ${seconds} s  ${name.padEnd(18)} ${about}${!ok && fix ? `; ${fix} mends it` : ""}`,
    );
  }
  console.log(`${failed > 0 ? "\n" : ""}${lines.join("\n")}`);
  if (failed > 0) console.log(`\n${failed} of ${lines.length} checks failed.`);
  return failed > 0 ? 1 : 0;
}

/** @param {readonly string[]} folders */
function present(folders) {
  const entries = readdirSync(join(root));
  return folders.filter((folder) => entries.includes(folder));
}
