import { describe, expect, it } from "vitest";
import type { Exit } from "../../../scripts/tasks/launch.mjs";
import { emptyResult, judge, summary, total } from "../../../scripts/tasks/suiteResult.mjs";
import { countVitest } from "../../../scripts/tasks/vitestSuite.mjs";

const exit = (code: number, timedOut = false): Exit => ({ code, timedOut, stdout: "", stderr: "" });
const limits = { limitMs: 1_000, mayBeEmpty: false };
const ran = { ...emptyResult("unit"), passed: 3 };

describe("judge", () => {
  it("fine: a clean exit after passed tests adds nothing", () => {
    expect(judge(ran, exit(0), limits).problems).toEqual([]);
  });
  it("crash: a bad exit that no failed test explains is a failure", () => {
    expect(judge(ran, exit(139), limits).problems).toEqual([
      "the runner ended with 139 and named no failed test",
    ]);
  });
  it("no crash: a bad exit that a failed test explains is counted once", () => {
    expect(judge({ ...ran, failed: 1 }, exit(1), limits).problems).toEqual([]);
  });
  it("timeout: a failure even though tests had passed", () => {
    expect(judge(ran, exit(143, true), limits).problems).toEqual(["ended after its limit of 1 s"]);
  });
  it("empty: a suite without tests is a failure, unless a filter may have left none", () => {
    expect(judge(emptyResult("unit"), exit(0), limits).problems).toEqual(["no test was found"]);
    expect(judge(emptyResult("unit"), exit(0), { ...limits, mayBeEmpty: true }).problems).toEqual([]);
  });
});

describe("total", () => {
  const skipping = [ran, { ...emptyResult("conformance"), passed: 1, skipped: 2, skips: ["a", "b"] }];
  it("skips: shown as such, or failed where they must not happen", () => {
    expect(total(skipping, { skipsFail: false })).toEqual({ passed: 4, failed: 0, skipped: 2, ok: true });
    expect(total(skipping, { skipsFail: true })).toEqual({ passed: 4, failed: 2, skipped: 0, ok: false });
  });
  it("nothing ran: not ok", () => {
    expect(total([emptyResult("unit")], { skipsFail: false }).ok).toBe(false);
  });
  it("summary: ends with the sum, alone on its line", () => {
    expect(summary(skipping, { skipsFail: false }).split("\n").at(-1)).toBe("4 passed, 0 failed, 2 skipped");
  });
});

describe("countVitest", () => {
  const report = {
    testResults: [
      {
        name: "/x/a.test.ts",
        status: "passed",
        assertionResults: [
          { status: "passed", fullName: "one" },
          { status: "pending", fullName: "two" },
          { status: "todo", fullName: "three" },
        ],
      },
      { name: "/x/b.test.ts", status: "failed", message: "hook threw\nat …", assertionResults: [] },
    ],
  };
  it("pending and todo are skips; a file that failed outside its tests is a problem", () => {
    const result = countVitest("unit", report);
    expect(result).toMatchObject({ passed: 1, failed: 0, skipped: 2 });
    expect(result.problems).toEqual([expect.stringContaining("hook threw")]);
  });
  it("names filtered: the tests left out are no skips", () => {
    expect(countVitest("unit", report, { namesFiltered: true }).skipped).toBe(0);
  });
});
