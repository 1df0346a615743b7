import { type Address, encodeAbiParameters, type Hex, toHex } from "viem";
import { keccak256 } from "./keccak256.ts";
import { PROPOSAL_COMPONENTS, type Proposal } from "./proposal.ts";

/** A challenge of one proposal, as `ProposalChallenged` logged it (`contracts/types/Dispute.sol`). */
export interface Dispute {
  proposal: Proposal;
  challenger: Address;
  /** The block of the challenge; its hash draws the jury. */
  challengedBlock: number;
  /** Unix seconds. */
  challengedAt: number;
}

const DISPUTE_DOMAIN = keccak256(toHex("Sibyl dispute"));

const DISPUTE_TUPLE = {
  type: "tuple",
  components: [
    { name: "proposal", type: "tuple", components: PROPOSAL_COMPONENTS },
    { name: "challenger", type: "address" },
    { name: "challengedBlock", type: "uint48" },
    { name: "challengedAt", type: "uint40" },
  ],
} as const;

/**
 * What jurors sign in place of a request's id:
 * `keccak256(abi.encode(keccak256("Sibyl dispute"), arbiter, requestId, dispute))`.
 *
 * Oracle and chain are in the domain of the signature.
 */
export function disputeId(arbiter: Address, requestId: Hex, dispute: Dispute): Hex {
  return keccak256(
    encodeAbiParameters(
      [{ type: "bytes32" }, { type: "address" }, { type: "bytes32" }, DISPUTE_TUPLE],
      [DISPUTE_DOMAIN, arbiter, requestId, dispute],
    ),
  );
}
