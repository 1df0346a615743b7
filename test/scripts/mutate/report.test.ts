import { expect, test } from "vitest";
import type { Mutant } from "../../../scripts/mutate/mutants.ts";
import { readOptions } from "../../../scripts/mutate/options.ts";
import { type Finding, verdictOn } from "../../../scripts/mutate/report.ts";
import type { Outcome } from "../../../scripts/mutate/trial.ts";

const mutant = (id: string) => ({ id }) as Mutant;
const findings = (count: number, outcome: Outcome, name = outcome.kind): Finding[] =>
  Array.from({ length: count }, (_, i) => ({ mutant: mutant(`${name} ${i}`), outcome }));
const killed: Outcome = { kind: "killed", by: "a test" };

test("verdict: nine of ten killed are enough, and what is no program does not count", () => {
  const verdict = verdictOn(
    [
      ...findings(134, killed),
      ...findings(1, { kind: "timed out" }),
      ...findings(15, { kind: "survived" }),
      ...findings(40, { kind: "equivalent" }),
      ...findings(40, { kind: "does not compile" }),
    ],
    { seed: "1", limit: 200 },
    new Map(),
  );
  expect(verdict).toMatchObject({ tried: 150, killedPercent: 90, missed: [] });
});

test("verdict: fewer killed, or too few mutants, fall short", () => {
  const few = verdictOn(findings(149, killed), { seed: "1", limit: 200 }, new Map());
  expect(few.missed).toEqual(["149 mutants tried, at least 150 wanted"]);
  const asked = verdictOn(findings(20, killed), { seed: "1", limit: 20 }, new Map());
  expect(asked.missed).toEqual([]);
  const weak = verdictOn(
    [...findings(8, killed), ...findings(1, { kind: "survived" })],
    { seed: "1", limit: 9 },
    new Map(),
  );
  expect(weak.missed).toEqual(["88.9% of 9 mutants killed, at least 90% wanted"]);
  expect(verdictOn([], { seed: "1", limit: 1 }, new Map()).missed).toHaveLength(1);
});

test("verdict: an explained survivor is still a survivor", () => {
  const verdict = verdictOn(
    findings(2, { kind: "survived" }),
    { seed: "1", limit: 2 },
    new Map([["survived 1", "no difference outside"]]),
  );
  expect(verdict.killedPercent).toBe(0);
  expect(verdict.survivors.map(({ why }) => why)).toEqual([undefined, "no difference outside"]);
});

test("options: what makes no sense is refused", () => {
  expect(readOptions(["--files", "a", "--files", "b", "--limit", "5"])).toMatchObject({
    files: ["a", "b"],
    limit: 5,
  });
  expect(() => readOptions(["--limit", "0"])).toThrow("--limit takes a whole number from 1 to 100000");
  expect(() => readOptions(["--nonsense"])).toThrow();
});
