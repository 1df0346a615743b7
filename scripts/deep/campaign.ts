/** The part of `forge test --json` that is read here: by contract, then by test. */
export type ForgeReport = Record<
  string,
  {
    test_results: Record<
      string,
      {
        status: string;
        reason: string | null;
        decoded_logs?: string[];
        kind: { Invariant?: { runs: number; calls: number; reverts: number } };
      }
    >;
  }
>;

/** What came of one invariant's calls. */
export interface Campaign {
  invariant: string;
  runs: number;
  calls: number;
  reverts: number;
  /** How often each thing happened in the last run, as the suite's `afterInvariant` logged it. */
  reached: string[];
  /** Why it does not count as held; none when it does. */
  problem: string | undefined;
}

/** Calls that each invariant must have stood. */
export const LEAST_CALLS = 100_000;

/** Reads the report of one invariant's run. @throws Error when it is about no or several tests. */
export function campaignIn(report: ForgeReport, least = LEAST_CALLS): Campaign {
  const tests = Object.entries(report).flatMap(([contract, { test_results: results }]) =>
    Object.entries(results).map(([test, result]) => ({
      invariant: `${contract.split(":").at(-1)}.${test}`,
      result,
    })),
  );
  const [only] = tests;
  if (only === undefined || tests.length > 1) throw new Error(`forge ran ${tests.length} tests, not one`);
  const { invariant, result } = only;
  const { runs, calls, reverts } = result.kind.Invariant ?? { runs: 0, calls: 0, reverts: 0 };
  const reached = (result.decoded_logs ?? []).filter((line) => !line.startsWith("Bound result"));
  const problem =
    result.status !== "Success"
      ? `failed: ${result.reason ?? "no reason given"}`
      : calls < least
        ? `${calls} calls, at least ${least} wanted`
        : undefined;
  return { invariant: invariant.replace(/\(.*$/, ""), runs, calls, reverts, reached, problem };
}
