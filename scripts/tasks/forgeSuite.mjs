import { launch } from "./launch.mjs";
import { emptyResult, judge } from "./suiteResult.mjs";

const FORGE = "scripts/foundry/forge.mjs";
const TRACE_LIMIT_MS = 60_000;
const MOST_TRACES = 10;

/**
 * `forge test --json`: by contract, then by test.
 *
 * @typedef {Record<string, { test_results: Record<string, {
 *   status: "Success" | "Failure" | "Skipped", reason: string | null }>, warnings?: string[] }>} ForgeReport
 */

/** @typedef {{ contract: string, test: string, reason: string }} ForgeFailure */

/**
 * Counts forge's JSON report; a fuzz or invariant test counts as one.
 *
 * @param {string} name The suite.
 * @param {ForgeReport} report
 * @returns {{ result: import("./suiteResult.mjs").SuiteResult, failures: ForgeFailure[], lines: string[] }} `lines`:
 * one for each contract, to be shown, since forge prints nothing of its own beside JSON.
 */
export function countForge(name, report) {
  const result = emptyResult(name);
  /** @type {ForgeFailure[]} */
  const failures = [];
  const lines = [];
  for (const [contract, { test_results: tests, warnings = [] }] of Object.entries(report)) {
    let passed = 0;
    let failed = 0;
    for (const [test, { status, reason }] of Object.entries(tests)) {
      if (status === "Success") passed += 1;
      else if (status === "Skipped") {
        result.skipped += 1;
        result.skips.push(`${contract} ${test}${reason ? `: ${reason}` : ""}`);
      } else {
        failed += 1;
        failures.push({ contract, test, reason: reason ?? "no reason given" });
      }
    }
    result.passed += passed;
    result.failed += failed;
    lines.push(
      `${failed > 0 ? "FAIL" : "ok  "} ${contract}: ${passed} passed${failed > 0 ? `, ${failed} failed` : ""}`,
    );
    for (const warning of warnings) lines.push(`     warning: ${warning}`);
  }
  for (const { contract, test, reason } of failures) lines.push(`FAIL ${contract} ${test}: ${reason}`);
  return { result, failures, lines };
}

/**
 * Runs forge's tests, and shows the traces of those that failed.
 *
 * @param {{ name: string, limitMs: number, args: string[], mayBeEmpty: boolean }} suite
 * @returns {Promise<import("./suiteResult.mjs").SuiteResult>}
 */
export async function runForgeSuite({ name, limitMs, args, mayBeEmpty }) {
  const exit = await launch(process.execPath, [FORGE, "test", "--json", ...args], {
    stdout: "capture",
    timeoutMs: limitMs,
    endLeftovers: true,
  });
  const report = readReport(exit.stdout);
  if (report === null) {
    // What was not JSON is an error text of forge's.
    process.stdout.write(exit.stdout);
    return judge(emptyResult(name), exit, { limitMs, mayBeEmpty });
  }
  const { result, failures, lines } = countForge(name, report);
  if (lines.length > 0) console.log(lines.join("\n"));
  if (failures.length > 0) await showTraces(failures);
  return judge(result, exit, { limitMs, mayBeEmpty });
}

/** @param {string} stdout @returns {ForgeReport | null} */
function readReport(stdout) {
  // With no test to run, forge prints a warning to stderr and nothing else.
  if (stdout.trim() === "") return {};
  try {
    return JSON.parse(stdout);
  } catch {
    return null;
  }
}

/** @param {readonly ForgeFailure[]} failures */
async function showTraces(failures) {
  const shown = failures.slice(0, MOST_TRACES);
  if (shown.length < failures.length)
    console.log(`\nTraces of ${shown.length} of ${failures.length} failed tests:`);
  const contracts = alternatives(shown.map(({ contract }) => contract.split(":").at(-1) ?? contract));
  // A failed setUp is reported as a test, and cannot be asked for as one.
  const tests = shown
    .filter(({ test }) => /^(test|invariant)/.test(test))
    .map(({ test }) => test.split("(")[0] ?? test);
  const filter = tests.length === shown.length ? ["--match-test", `^(${alternatives(tests)})(\\(|$)`] : [];
  await launch(process.execPath, [FORGE, "test", "-vvv", "--match-contract", `^(${contracts})$`, ...filter], {
    timeoutMs: TRACE_LIMIT_MS,
    endLeftovers: true,
  });
}

/** @param {readonly string[]} names Solidity identifiers. */
const alternatives = (names) => [...new Set(names)].map((name) => name.replaceAll("$", "\\$")).join("|");
