import { expect, test } from "vitest";
import { campaignIn, type ForgeReport } from "../../../scripts/deep/campaign.ts";

const report = (calls: number, status = "Success", reason: string | null = null): ForgeReport => ({
  "test/contracts/invariant/A.invariant.t.sol:AInvariantTest": {
    test_results: {
      "invariant_Holds()": {
        status,
        reason,
        decoded_logs: ["Bound result 3", "settlements: 12"],
        kind: { Invariant: { runs: 400, calls, reverts: 0 } },
      },
    },
  },
});

test("campaign: held over enough calls, with what it reached", () => {
  expect(campaignIn(report(102_400))).toEqual({
    invariant: "AInvariantTest.invariant_Holds",
    runs: 400,
    calls: 102_400,
    reverts: 0,
    reached: ["settlements: 12"],
    problem: undefined,
  });
});

test("campaign: too few calls, or a failure, is a problem", () => {
  expect(campaignIn(report(99_999)).problem).toBe("99999 calls, at least 100000 wanted");
  expect(campaignIn(report(102_400, "Failure", "bonds: 1 != 2")).problem).toBe("failed: bonds: 1 != 2");
});

test("campaign: a report of no test is refused, since nothing was tested", () => {
  expect(() => campaignIn({})).toThrow("forge ran 0 tests, not one");
});
