import type { Address, Hex } from "viem";

/** Longest output, in bytes, that operators pass to each other; a longer one cannot be agreed on. */
export const MAX_OUTPUT_BYTES = 64 * 1024;

/**
 * What operators tell each other about one request.
 *
 * `signature` is always the attester's 65-byte EIP-712 signature, so a message proves its own origin
 * whoever relays it. Types and domain are in `@sibyl/sdk`.
 */
export type PeerMessage = CommitMessage | RevealMessage | ProposalMessage | AttestationMessage;

/** `Commit(bytes32 requestHash,bytes32 commitment)`: an answer exists, sealed. */
export interface CommitMessage {
  kind: "commit";
  requestId: Hex;
  operatorId: number;
  /** `keccak256(requestHash, operatorId, outputHash, salt)`. */
  commitment: Hex;
  signature: Hex;
}

/**
 * Opens the sender's commitment.
 *
 * It carries the commitments that it waited for, because they existed before the first reveal did:
 * whoever hears the reveal before one of them must still count it.
 */
export interface RevealMessage {
  kind: "reveal";
  requestId: Hex;
  operatorId: number;
  output: Hex;
  salt: Hex;
  commits: CommitMessage[];
}

/** The output that a view's proposer puts forward; signed as the proposer's own attestation of it. */
export interface ProposalMessage {
  kind: "proposal";
  requestId: Hex;
  operatorId: number;
  view: number;
  output: Hex;
  /** Operator ids of the reveals that the output follows from, increasing. */
  reveals: number[];
  signature: Hex;
}

/** `Attestation(bytes32 requestHash,bytes32 outputHash,uint32 view)`. */
export interface AttestationMessage {
  kind: "attestation";
  requestId: Hex;
  operatorId: number;
  view: number;
  outputHash: Hex;
  signature: Hex;
}

/** Chain and oracle that messages are about; what the EIP-712 domain binds. */
export interface OracleScope {
  chainId: number;
  oracle: Address;
}
