import { runForgeSuite } from "./forgeSuite.mjs";
import { interruptedBy, signalExitCode } from "./launch.mjs";
import { summary, total } from "./suiteResult.mjs";
import { runVitestSuite } from "./vitestSuite.mjs";

const MINUTE_MS = 60_000;

/** In running order. The limits bound one run of everything, with the checks, to half an hour on two cores. */
const SUITES = [
  { name: "contracts", limitMs: 5 * MINUTE_MS, run: runForgeSuite, pathFilter: forgePath },
  { name: "unit", limitMs: 9 * MINUTE_MS, run: runVitestSuite, pathFilter: vitestPath },
  { name: "conformance", limitMs: 3 * MINUTE_MS, run: runVitestSuite, pathFilter: vitestPath },
  { name: "e2e", limitMs: 16 * MINUTE_MS, run: runVitestSuite, pathFilter: vitestPath },
];
/** Runs only when it is named: it takes minutes for each of its files, and everything else is to end within half an hour. */
const BY_NAME = [{ name: "storm", limitMs: 20 * MINUTE_MS, run: runVitestSuite, pathFilter: vitestPath }];
const KNOWN = [...SUITES, ...BY_NAME];

/**
 * Runs the test suites one after another.
 *
 * `test` runs all but the storm; `test <suite>...` runs those; a word that names no suite keeps the test files whose path contains
 * it; the first option and all that follows it go to the runner of the one suite that is named.
 *
 * @param {string[]} args
 * @returns {Promise<number>} Exit status: 0 only if tests ran and all passed; 2 for arguments that make no sense.
 */
export async function test(args) {
  const optionsAt = args.findIndex((arg) => arg.startsWith("-"));
  const words = optionsAt === -1 ? args : args.slice(0, optionsAt);
  const options = optionsAt === -1 ? [] : args.slice(optionsAt);
  const named = KNOWN.filter(({ name }) => words.includes(name));
  const filters = words.filter((word) => !KNOWN.some(({ name }) => name === word));
  if (options.length > 0 && named.length !== 1) {
    console.error(
      `Options (${options.join(" ")}) go to one runner: name one suite of ${KNOWN.map(({ name }) => name).join(", ")}.`,
    );
    return 2;
  }
  if (filters.length > 1) {
    console.error(`One part of a path at a time, not ${filters.join(" and ")}.`);
    return 2;
  }

  const skipsFail = process.env.CI === "true";
  /** @type {import("./suiteResult.mjs").SuiteResult[]} */
  const results = [];
  for (const { name, limitMs, run, pathFilter } of named.length > 0 ? named : SUITES) {
    console.log(`\n=== ${name} ===`);
    const started = Date.now();
    const runnerArgs = [...filters.flatMap(pathFilter), ...options];
    const result = await run({ name, limitMs, args: runnerArgs, mayBeEmpty: runnerArgs.length > 0 });
    const signal = interruptedBy();
    if (signal !== null) {
      console.error(`\nStopped by ${signal}.`);
      return signalExitCode(signal);
    }
    results.push({ ...result, seconds: (Date.now() - started) / 1000 });
  }
  console.log(summary(results, { skipsFail }));
  return total(results, { skipsFail }).ok ? 0 : 1;
}

/** @param {string} part */
function forgePath(part) {
  return ["--match-path", `**/*${part}*`];
}

/** @param {string} part */
function vitestPath(part) {
  return [part];
}
