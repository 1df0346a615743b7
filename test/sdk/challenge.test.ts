import {
  type Dispute,
  disputeId,
  encodeChallenge,
  encodeLapse,
  encodeResolve,
  juryArbiterAbi,
  proposalHash,
  toCompactSignature,
} from "@sibyl/sdk";
import { type Address, decodeFunctionData, getAddress, type Hex } from "viem";
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

describe("calldata of a dispute", () => {
  const word: Hex = `0x${"11".repeat(32)}`;
  const request = { modelId: word, inputHash: word, terms: 1n, opening: 2n, funds: 3n };
  const proposal = { outputHash: word, signers: 1n << 224n, submitterId: 1, proposedAt: 9, gasOwed: 4n };
  const challenger = getAddress("0x00000000000000000000000000000000000000c1");
  const dispute: Dispute = { proposal, challenger, challengedBlock: 7, challengedAt: 10 };
  const signature = (last: string): Hex => `0x${"22".repeat(32)}${"33".repeat(32)}${last}`;
  const decode = (data: Hex) => decodeFunctionData({ abi: juryArbiterAbi, data });

  test("challenge and lapse: what the contract reads is what was given", () => {
    expect(decode(encodeChallenge(request, proposal))).toEqual({
      functionName: "challenge",
      args: [request, proposal],
    });
    expect(decode(encodeLapse(request, dispute))).toEqual({
      functionName: "lapse",
      args: [request, dispute],
    });
  });

  test("resolve: jurors in increasing order, with compact signatures", () => {
    const attestations = [
      { operatorId: 5, signature: signature("1b") },
      { operatorId: 3, signature: signature("1c") },
    ];
    expect(decode(encodeResolve(request, dispute, "0xabcd", 2, attestations))).toEqual({
      functionName: "resolve",
      args: [
        request,
        dispute,
        "0xabcd",
        2,
        [
          { operatorId: 3, ...toCompactSignature(signature("1c")) },
          { operatorId: 5, ...toCompactSignature(signature("1b")) },
        ],
      ],
    });
    const twice = [attestations[0], attestations[0]] as typeof attestations;
    expect(() => encodeResolve(request, dispute, "0xabcd", 2, twice)).toThrow("attests twice");
  });
});
