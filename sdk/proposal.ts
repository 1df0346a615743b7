import { encodeAbiParameters, type Hex } from "viem";
import { keccak256 } from "./keccak256.ts";

/** An output that may still be challenged, as `OutputProposed` logged it (`contracts/types/Proposal.sol`). */
export interface Proposal {
  /** `keccak256(output)`. */
  outputHash: Hex;
  /** Who signed it; see `unpackSigners`. */
  signers: bigint;
  /** Unix seconds. */
  proposedAt: number;
  /** The signer that submitted it; 0 if a stranger did. */
  submitterId: number;
  /** Wei that the submitter gets once the proposal stands. */
  gasOwed: bigint;
}

/** The components of a `Proposal` in the order that Solidity encodes them in. */
export const PROPOSAL_COMPONENTS = [
  { name: "outputHash", type: "bytes32" },
  { name: "signers", type: "uint256" },
  { name: "submitterId", type: "uint32" },
  { name: "proposedAt", type: "uint40" },
  { name: "gasOwed", type: "uint96" },
] as const;

/** `keccak256(abi.encode(proposal))`: what the oracle commits to while the challenge window runs. */
export function proposalHash(proposal: Proposal): Hex {
  return keccak256(encodeAbiParameters([{ type: "tuple", components: PROPOSAL_COMPONENTS }], [proposal]));
}
