import { afterAll, describe, expect, it } from "vitest";
import { createFixture, lastLine } from "./fixture.ts";

const SLOW_MS = 60_000;

const contract = (body: string) => `// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

contract SampleTest {
    function test_First() public pure {}
    function test_Second() public pure {
        ${body}
    }
}
`;
const vitest = (body: string) => `import { expect, it } from "vitest";
it("first", () => {});
${body}
`;

describe("task test, contracts", () => {
  const fixture = createFixture({ "test/contracts/Sample.t.sol": contract("") });
  afterAll(() => fixture[Symbol.dispose]());

  it("passing: exit 0 and the sum alone on the last line", { timeout: SLOW_MS }, async () => {
    const { code, stdout } = await fixture.run(["test", "contracts"]);
    expect(lastLine(stdout)).toBe("2 passed, 0 failed");
    expect(code).toBe(0);
  });

  it("a failing test: exit 1, counted, its reason and trace shown", { timeout: SLOW_MS }, async () => {
    fixture.write({ "test/contracts/Sample.t.sol": contract('require(false, "broken on purpose");') });
    const { code, stdout } = await fixture.run(["test", "contracts"]);
    expect(lastLine(stdout)).toBe("1 passed, 1 failed");
    expect(stdout).toContain("SampleTest test_Second(): broken on purpose");
    expect(stdout).toContain("Traces:");
    expect(code).toBe(1);
  });

  it("a contract that does not compile: exit 1, one failure", { timeout: SLOW_MS }, async () => {
    fixture.write({ "test/contracts/Sample.t.sol": contract("this is not Solidity") });
    const { code, stdout, stderr } = await fixture.run(["test", "contracts"]);
    expect(lastLine(stdout)).toBe("0 passed, 1 failed");
    expect(stderr).toContain("Compiler run failed");
    expect(code).toBe(1);
  });
});

describe("task test, vitest suites", () => {
  const fixture = createFixture({ "test/sdk/sample.test.ts": vitest("") });
  afterAll(() => fixture[Symbol.dispose]());

  it("passing: exit 0", { timeout: SLOW_MS }, async () => {
    const { code, stdout } = await fixture.run(["test", "unit"]);
    expect(lastLine(stdout)).toBe("1 passed, 0 failed");
    expect(code).toBe(0);
  });

  it("a failing test, a file that cannot load and a skip: all counted", { timeout: SLOW_MS }, async () => {
    fixture.write({
      "test/sdk/sample.test.ts": vitest('it("second", () => expect(1).toBe(2));'),
      "test/sdk/broken.test.ts": 'throw new Error("cannot load");',
      "test/sdk/skipped.test.ts": vitest('it.skip("needs a service", () => {});'),
    });
    const here = await fixture.run(["test", "unit"]);
    expect(lastLine(here.stdout)).toBe("2 passed, 2 failed, 1 skipped");
    expect(here.code).toBe(1);
    const inCi = await fixture.run(["test", "unit", "skipped"], { CI: "true" });
    expect(inCi.stdout).toContain(
      "skipped, which is a failure under CI=true: test/sdk/skipped.test.ts: needs a service",
    );
    expect(lastLine(inCi.stdout)).toBe("1 passed, 1 failed");
    expect(inCi.code).toBe(1);
  });

  it("no test at all: exit 1", { timeout: SLOW_MS }, async () => {
    const { code, stdout } = await fixture.run(["test", "e2e"]);
    expect(lastLine(stdout)).toBe("0 passed, 1 failed");
    expect(code).toBe(1);
  });

  it("a filter that matches no file: exit 1", { timeout: SLOW_MS }, async () => {
    const { code, stdout } = await fixture.run(["test", "unit", "no-such-file"]);
    expect(lastLine(stdout)).toBe("0 passed, 0 failed");
    expect(code).toBe(1);
  });
});

it("task test: options without a suite are refused", async () => {
  using fixture = createFixture({});
  const { code, stderr } = await fixture.run(["test", "-t", "something"]);
  expect(stderr).toContain("name one suite");
  expect(code).toBe(2);
});
