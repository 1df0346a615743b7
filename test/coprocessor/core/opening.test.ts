import { commitmentHash, encodeOutput, outputHash, packProfile, unpackProfile } from "@sibyl/sdk";
import { describe, expect, it } from "vitest";
import { decideOpening, type OpeningView } from "../../../coprocessor/core/opening.ts";
import { decideDemand, decideReport } from "../../../coprocessor/core/punishmentCost.ts";
import { hash, ORACLE } from "../store/fixtures.ts";

const WAD = 10n ** 18n;
const [SEVEN, NEAR, FAR] = [7n * WAD, 7n * WAD + 1n, 9n * WAD].map((value) =>
  encodeOutput("scalar", value),
) as [`0x${string}`, `0x${string}`, `0x${string}`];
const salt = hash("salt");
const output = { codec: "scalar" } as const;
const tolerance = unpackProfile(
  packProfile({ output, profile: { kind: "tolerance", abs: "0.1", rel: "0" } }),
);
const exact = unpackProfile(packProfile({ output, profile: { kind: "exact" } }));

function view(changes: Partial<OpeningView> & { attested?: `0x${string}` } = {}): OpeningView {
  const { attested = SEVEN, ...rest } = changes;
  const requestId = hash("request");
  const opening = { requestHash: requestId, operatorId: 1, outputHash: outputHash(SEVEN), salt };
  const demand = {
    oracle: ORACLE,
    requestId,
    modelId: hash("model"),
    operatorId: 1,
    commitment: commitmentHash(opening),
    attestedHash: outputHash(attested),
  };
  return { demand, output: SEVEN, salt, attestedOutput: attested, comparison: tolerance, ...rest };
}

describe("decideOpening", () => {
  it("open: what we committed to is what we attested, or agrees with it", () => {
    expect(decideOpening(view())).toEqual({ type: "open", output: SEVEN, attestedOutput: SEVEN });
    expect(decideOpening(view({ attested: NEAR }))).toMatchObject({ type: "open", attestedOutput: NEAR });
    expect(decideOpening(view({ attestedOutput: undefined, comparison: exact })).type).toBe("open");
  });

  it("recompute: our output is lost", () => {
    expect(decideOpening(view({ output: null }))).toEqual({ type: "recompute" });
  });

  it.each([
    ["does-not-open: another output than the one committed to", view({ output: FAR })],
    ["does-not-open: another key's salt", view({ salt: hash("other") })],
    ["answers-disagree: an exact model", view({ attested: NEAR, comparison: exact })],
    ["answers-disagree: beyond the tolerance", view({ attested: FAR })],
    ["attested-output-unknown: its bytes are lost", view({ attested: NEAR, attestedOutput: undefined })],
    ["no-profile: a model that the registry does not know", view({ attested: NEAR, comparison: null })],
  ])("park: opening/%s", (title, given) => {
    const step = decideOpening(given);
    expect(step.type === "park" ? step.reason : step.type).toContain(`opening/${title.split(":")[0]}`);
  });
});

describe("decideReport", () => {
  const of = { policy: "pays", stopLossWei: 500n, rewardWei: 1_000n, gas: 10n, gasPrice: 90n } as const;

  it("report: while the reward covers the gas, and never bidding more than it", () => {
    expect(decideReport(of)).toEqual({ type: "report", maxFeePerGasCap: 100n });
    expect(decideReport({ ...of, gasPrice: 100n }).type).toBe("report");
  });

  it("leave: report/stop-loss names cost, reward and limit, and is looked at again", () => {
    const step = decideReport({ ...of, gasPrice: 101n });
    expect(step).toMatchObject({ type: "leave", final: false });
    expect(step.type === "leave" ? step.reason : "").toMatch(
      /^report\/stop-loss: .*1010 wei.*1000 wei.*1000 wei$/,
    );
  });

  it("always: also at a loss, up to the stop-loss", () => {
    const poor = { ...of, policy: "always", rewardWei: 1n } as const;
    expect(decideReport({ ...poor, gasPrice: 50n })).toEqual({ type: "report", maxFeePerGasCap: 50n });
    expect(decideReport({ ...poor, gasPrice: 51n })).toMatchObject({ type: "leave" });
  });

  it("never: switched off", () => {
    expect(decideReport({ ...of, policy: "never" })).toMatchObject({ type: "leave", final: true });
  });
});

describe("decideDemand", () => {
  const of = {
    bondWei: 10n,
    bondsAtRiskWei: 80n,
    stopLossWei: 100n,
    rewardWei: 50n,
    costWei: 50n,
    certain: true,
  };

  it("demand: what must win and pays, and a sampled doubt whatever it pays", () => {
    expect(decideDemand(of)).toEqual({ type: "demand" });
    expect(decideDemand({ ...of, certain: false, rewardWei: 0n })).toEqual({ type: "demand" });
  });

  it("leave: what must win and does not pay, and any bond beyond the stop-loss", () => {
    expect(decideDemand({ ...of, costWei: 51n })).toMatchObject({
      reason: expect.stringContaining("demand/does-not-pay"),
    });
    expect(decideDemand({ ...of, bondsAtRiskWei: 91n, certain: false })).toMatchObject({
      reason: expect.stringContaining("demand/stop-loss"),
    });
  });
});
