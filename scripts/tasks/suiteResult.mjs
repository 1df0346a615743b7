/**
 * What one test suite came to.
 *
 * @typedef {object} SuiteResult
 * @property {string} name
 * @property {number} passed
 * @property {number} failed
 * @property {number} skipped
 * @property {number} seconds
 * @property {string[]} problems Failures of the run itself (a crash, a timeout, no test found); each counts as failed.
 * @property {string[]} skips Names of the skipped tests.
 */

/** @param {string} name @returns {SuiteResult} */
export const emptyResult = (name) => ({
  name,
  passed: 0,
  failed: 0,
  skipped: 0,
  seconds: 0,
  problems: [],
  skips: [],
});

/**
 * Adds what the runner's exit says to what its report says. A runner that failed without naming a failed test, or that
 * ended well having run none, has failed.
 *
 * @param {SuiteResult} result Counts as the report gives them.
 * @param {import("./launch.mjs").Exit} exit
 * @param {{ limitMs: number, mayBeEmpty: boolean }} options `mayBeEmpty`: a filter may match nothing in this suite.
 * @returns {SuiteResult}
 */
export function judge(result, exit, { limitMs, mayBeEmpty }) {
  const { passed, failed, skipped, problems } = result;
  const more = [];
  if (exit.timedOut) more.push(`ended after its limit of ${limitMs / 1000} s`);
  else if (exit.code !== 0 && failed === 0 && problems.length === 0) {
    more.push(`the runner ended with ${exit.code} and named no failed test`);
  } else if (exit.code === 0 && problems.length === 0 && passed + failed + skipped === 0 && !mayBeEmpty) {
    more.push("no test was found");
  }
  return { ...result, problems: [...problems, ...more] };
}

/**
 * Sums the suites.
 *
 * @param {readonly SuiteResult[]} results
 * @param {{ skipsFail: boolean }} options `skipsFail`: a skipped test counts as failed (`CI=true`).
 * @returns {{ passed: number, failed: number, skipped: number, ok: boolean }} `ok` needs at least one passed test.
 */
export function total(results, { skipsFail }) {
  let passed = 0;
  let failed = 0;
  let skipped = 0;
  for (const result of results) {
    passed += result.passed;
    failed += result.failed + result.problems.length;
    if (skipsFail) failed += result.skipped;
    else skipped += result.skipped;
  }
  return { passed, failed, skipped, ok: failed === 0 && passed > 0 };
}

/**
 * The table of the suites, what went wrong with the runs, and alone on the last line the sum.
 *
 * @param {readonly SuiteResult[]} results
 * @param {{ skipsFail: boolean }} options
 * @returns {string}
 */
export function summary(results, options) {
  const rows = [["suite", "passed", "failed", "skipped", "seconds"]];
  const notes = [];
  for (const result of results) {
    const { name, passed, failed, skipped, seconds, problems, skips } = result;
    rows.push([name, passed, failed + problems.length, skipped, seconds.toFixed(1)].map(String));
    for (const problem of problems) notes.push(`${name}: ${problem}`);
    const verdict = options.skipsFail ? "skipped, which is a failure under CI=true" : "skipped";
    for (const skip of skips) notes.push(`${name}: ${verdict}: ${skip}`);
  }
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  const table = rows.map((row) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join("  "),
  );
  const { passed, failed, skipped, ok } = total(results, options);
  if (!ok && failed === 0) notes.push("No test passed, so nothing was tested.");
  const sum = `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
  return ["", ...table, "", ...notes, ...(notes.length > 0 ? [""] : []), sum].join("\n");
}
