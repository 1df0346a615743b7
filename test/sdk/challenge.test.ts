import { disputeId, proposalHash } from "@sibyl/sdk";
import type { Address, Hex } from "viem";
import { describe, expect, test } from "vitest";
import { readVectors } from "./readVectors.ts";

interface ProposalCase {
  name: string;
  outputHash: Hex;
  signers: string;
  submitterId: number;
  proposedAt: number;
  gasOwed: string;
}

interface DisputeCase extends ProposalCase {
  arbiter: Address;
  requestId: Hex;
  challenger: Address;
  challengedBlock: number;
  challengedAt: number;
  disputeId: Hex;
}

const proposals = readVectors<ProposalCase & { hash: Hex }>("proposal");
const disputes = readVectors<DisputeCase>("dispute");

const proposalOf = ({ outputHash, signers, submitterId, proposedAt, gasOwed }: ProposalCase) => ({
  outputHash,
  signers: BigInt(signers),
  submitterId,
  proposedAt,
  gasOwed: BigInt(gasOwed),
});

describe("challenge", () => {
  test.each(proposals)("proposal hash: as the contracts make it, $name", (vector) => {
    expect(proposalHash(proposalOf(vector))).toBe(vector.hash);
  });

  test.each(disputes)("dispute id: as the contracts make it, $name", (vector) => {
    const { arbiter, requestId, challenger, challengedBlock, challengedAt } = vector;
    const dispute = { proposal: proposalOf(vector), challenger, challengedBlock, challengedAt };
    expect(disputeId(arbiter, requestId, dispute)).toBe(vector.disputeId);
  });

  test("dispute id: another arbiter, request or challenger makes another dispute", () => {
    const [first, second] = disputes.slice(-2);
    if (first === undefined || second === undefined) throw new Error("too few vectors");
    const { arbiter, requestId, challenger, challengedBlock, challengedAt } = first;
    const dispute = { proposal: proposalOf(first), challenger, challengedBlock, challengedAt };
    const ids = [
      disputeId(arbiter, requestId, dispute),
      disputeId(second.arbiter, requestId, dispute),
      disputeId(arbiter, second.requestId, dispute),
      disputeId(arbiter, requestId, { ...dispute, challenger: second.challenger }),
    ];
    expect(new Set(ids).size).toBe(ids.length);
  });
});
