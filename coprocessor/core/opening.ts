import { agree, type ComparisonRule, commitmentHash, type OpeningDemand } from "@sibyl/sdk";
import { keccak256 } from "@sibyl/sdk/keccak256";
import type { Address, Hex } from "viem";

/**
 * `pending` the operator may still open, also past the deadline, until somebody closes it
 * `opened`  it did, and has the bond
 * `missed`  it did not; the demander has its bond back
 */
export type DemandState = "pending" | "opened" | "missed";

/** A demand at an opening court that concerns us: against us, by us, or about a request that we know. */
export interface DemandRecord {
  demandId: Hex;
  court: Address;
  demand: OpeningDemand;
  demander: Address;
  /** Unix seconds. */
  deadline: number;
  state: DemandState;
  demandedBlock: bigint;
  demandedTransaction: Hex;
  closedBlock: bigint | null;
  /** What a missed opening cost, and the demander's part of it; null before. */
  amountWei: bigint | null;
  rewardWei: bigint | null;
  /** What running the model again gave, where our own output was lost. */
  output: Hex | null;
  /** Why we cannot open it; null while we can, or do not know yet. */
  parkedReason: string | null;
}

/** What is known when a demand against us is to be answered. */
export interface OpeningView {
  demand: OpeningDemand;
  /** What we computed; null when it is lost and has to be computed again. */
  output: Hex | null;
  /** As it is derived from our key for this request. */
  salt: Hex;
  /** Bytes of what we attested, where they are known. */
  attestedOutput: Hex | undefined;
  /** As the registry has it; null for a model that it does not know. */
  comparison: ComparisonRule | null;
}

export type OpeningStep =
  | { type: "open"; output: Hex; attestedOutput: Hex }
  | { type: "recompute" }
  | { type: "park"; reason: string };

/**
 * How to answer a demand against ourselves.
 *
 * Nothing is sent that the court would refuse. `park` is an alarm: an honest node gets there only if its machine computes
 * another output than it did, or its key is another one.
 */
export function decideOpening({
  demand,
  output,
  salt,
  attestedOutput,
  comparison,
}: OpeningView): OpeningStep {
  if (output === null) return { type: "recompute" };
  const { requestId: requestHash, operatorId, commitment, attestedHash } = demand;
  const outputHash = keccak256(output);
  const opened = commitmentHash({ requestHash, operatorId, outputHash, salt });
  if (opened !== commitment) {
    return park(
      "opening/does-not-open",
      `output ${outputHash} gives commitment ${opened}, not ${commitment}`,
    );
  }
  if (outputHash === attestedHash) return { type: "open", output, attestedOutput: output };
  if (comparison === null) return park("opening/no-profile", `model ${demand.modelId} has none on chain`);
  if (comparison.profile.kind === "exact") {
    return park(
      "opening/answers-disagree",
      `committed to ${outputHash}, attested ${attestedHash}, exact model`,
    );
  }
  if (attestedOutput === undefined) {
    return park("opening/attested-output-unknown", `the bytes of output ${attestedHash} are lost`);
  }
  const agreement = agree(comparison.codec, comparison.profile, output, attestedOutput);
  if (!agreement.agrees) return park("opening/answers-disagree", agreement.reason);
  return { type: "open", output, attestedOutput };
}

const park = (code: string, fact: string): OpeningStep => ({ type: "park", reason: `${code}: ${fact}` });
