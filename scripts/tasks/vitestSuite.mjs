import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { launch } from "./launch.mjs";
import { root } from "./root.mjs";
import { emptyResult, judge } from "./suiteResult.mjs";

/**
 * The part of vitest's JSON report that is read here.
 *
 * @typedef {object} VitestReport
 * @property {{ name: string, status: string, message?: string,
 *   assertionResults: { status: string, fullName: string }[] }[]} testResults
 */

/**
 * Counts vitest's JSON report. A file that failed outside its tests (it could not be loaded, a hook threw) is a
 * failure of its own.
 *
 * @param {string} name The suite.
 * @param {VitestReport} report
 * @param {{ namesFiltered?: boolean }} [options] `namesFiltered`: vitest was told to run some names only, and reports
 * the others as skipped.
 * @returns {import("./suiteResult.mjs").SuiteResult}
 */
export function countVitest(name, report, { namesFiltered = false } = {}) {
  const result = emptyResult(name);
  for (const file of report.testResults) {
    const path = relative(root, file.name);
    let failedHere = 0;
    for (const { status, fullName } of file.assertionResults) {
      if (status === "passed") result.passed += 1;
      else if (status === "failed") failedHere += 1;
      else if (!namesFiltered) {
        result.skipped += 1;
        result.skips.push(`${path}: ${fullName}`);
      }
    }
    result.failed += failedHere;
    if (file.status === "failed" && failedHere === 0) {
      result.problems.push(`${path}: ${file.message?.split("\n")[0] || "failed outside its tests"}`);
    }
  }
  return result;
}

/**
 * Runs one project of vitest.config.ts.
 *
 * @param {{ name: string, limitMs: number, args: string[], mayBeEmpty: boolean }} suite
 * @returns {Promise<import("./suiteResult.mjs").SuiteResult>}
 */
export async function runVitestSuite({ name, limitMs, args, mayBeEmpty }) {
  const folder = mkdtempSync(join(tmpdir(), "sibyl-vitest-"));
  try {
    const file = join(folder, "report.json");
    // Whether a suite may be without tests is judged here, alike for all runners.
    const flags = [
      "--project",
      name,
      "--reporter=default",
      "--reporter=json",
      `--outputFile.json=${file}`,
      "--passWithNoTests",
    ];
    const exit = await launch(
      process.execPath,
      ["node_modules/vitest/vitest.mjs", "run", ...flags, ...args],
      {
        timeoutMs: limitMs,
        endLeftovers: true,
      },
    );
    const report = readReport(file);
    const namesFiltered = args.some((arg) => /^(-t|--testNamePattern)/.test(arg));
    const counted = report === null ? emptyResult(name) : countVitest(name, report, { namesFiltered });
    return judge(counted, exit, { limitMs, mayBeEmpty });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @param {string} file @returns {VitestReport | null} Null when vitest ended before it wrote one. */
function readReport(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return null;
  }
}
