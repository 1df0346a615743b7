import { type Dispute, disputeId, type Proposal, proposalHash } from "@sibyl/sdk";
import { getAddress } from "viem";
import { address, uint, word } from "./draw.ts";

/** Proposals and disputes beside their hashes. */
export function challengeVectors(): Record<string, object> {
  const names = ["zero", "full", ...Array.from({ length: 6 }, (_, index) => `random ${index}`)];
  return {
    proposal: {
      cases: names.map((name) => {
        const proposal = proposalNamed(name);
        return { name, ...proposal, hash: proposalHash(proposal) };
      }),
    },
    dispute: {
      cases: names.map((name) => {
        const { proposal, ...rest } = disputeNamed(name);
        const arbiter = getAddress(address(`${name} arbiter`));
        const requestId = word(`${name} request`);
        const id = disputeId(arbiter, requestId, { proposal, ...rest });
        return { name, arbiter, requestId, ...proposal, ...rest, disputeId: id };
      }),
    },
  };
}

function proposalNamed(name: string): Proposal {
  const value = valuesOf(name);
  return {
    outputHash: `0x${value("outputHash", 256).toString(16).padStart(64, "0")}`,
    signers: value("signers", 256),
    proposedAt: Number(value("proposedAt", 40)),
    submitterId: Number(value("submitterId", 32)),
    gasOwed: value("gasOwed", 96),
  };
}

function disputeNamed(name: string): Dispute {
  const value = valuesOf(name);
  return {
    proposal: proposalNamed(name),
    challenger: getAddress(address(`${name} challenger`)),
    challengedBlock: Number(value("challengedBlock", 48)),
    challengedAt: Number(value("challengedAt", 40)),
  };
}

const valuesOf =
  (name: string) =>
  (field: string, bits: number): bigint => {
    if (name === "zero") return 0n;
    if (name === "full") return (1n << BigInt(bits)) - 1n;
    return uint(`${name} ${field}`, bits);
  };
