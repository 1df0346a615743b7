import type { RequestWords } from "@sibyl/sdk";
import { keccak256 } from "@sibyl/sdk/keccak256";
import { type Address, type Hex, toHex } from "viem";
import type { AttestationMessage, CommitMessage, PeerMessage } from "./messages.ts";
import type { RequestKey } from "./request.ts";

/**
 * What can be held against an operator, by what its own words show.
 *
 * equivocation, two statements that no honest operator makes:
 * `two-outputs`              attested in one view
 * `two-outputs-across-views` attested in two, of an `exact` model
 * `two-commitments`          for one request
 *
 * broken-commitment:
 * `unopened`                 attested, and its commitment was never opened to us
 * `opened-otherwise`         opened another answer than it attested
 * `withheld`                 never opened, though a quorum had committed and the request expired
 *
 * disagreement with our own output, beyond the model's profile:
 * `revealed-otherwise`       what it opened
 * `attested-otherwise`       what it attested and the chain took
 * `settled-otherwise`        what the chain took, and we did not hear who attested it; against nobody by name
 */
export const OFFENCES = {
  "two-outputs": "equivocation",
  "two-outputs-across-views": "equivocation",
  "two-commitments": "equivocation",
  unopened: "broken-commitment",
  "opened-otherwise": "broken-commitment",
  withheld: "broken-commitment",
  "revealed-otherwise": "disagreement",
  "attested-otherwise": "disagreement",
  "settled-otherwise": "disagreement",
} as const;

export type Offence = keyof typeof OFFENCES;
export const EVIDENCE_KINDS = ["equivocation", "broken-commitment", "disagreement"] as const;
export type EvidenceKind = (typeof EVIDENCE_KINDS)[number];

/** Offences that a contract judges: the registry the first two, the opening court the others. */
export const REPORTABLE = ["two-outputs", "two-outputs-across-views"] as const satisfies readonly Offence[];
export const DEMANDABLE = ["unopened", "opened-otherwise"] as const satisfies readonly Offence[];

/**
 * Rows that are kept about one operator, over all requests. Beyond it the oldest that no contract judges makes room, so a
 * flood of disagreements cannot fill the disk, nor push out what is worth stake.
 *
 * There is one row at most for each request, operator and offence, and a row holds three statements with their outputs at
 * most: about 400 KB at `MAX_OUTPUT_BYTES`, and under 3 KB for a label with its scores.
 */
export const MAX_EVIDENCE_PER_OPERATOR = 256;

/** What was found, before it is tied to a request. */
export interface Finding {
  /** 0 where the chain's answer cannot be laid at one operator's door. */
  operatorId: number;
  offence: Offence;
  /** In words, with the values. */
  fact: string;
  /** The operator's messages as they came. Of the commitments that a reveal carries only its own. */
  statements: readonly PeerMessage[];
  /** Bytes that the statements name by their hash alone. */
  outputs: readonly Hex[];
  /** Our own output, where it is about a disagreement with it. */
  ours: Hex | null;
}

/** The request's own words, big numbers in decimal: JSON cannot hold them otherwise. */
export interface RequestJson {
  modelId: Hex;
  inputHash: Hex;
  terms: string;
  opening: string;
  funds: string;
}

/** All that checking takes, as JSON: it outlives the request's row, and needs neither node nor chain. */
export interface EvidenceProof extends Finding {
  schema: "sibyl/evidence@1";
  id: Hex;
  kind: EvidenceKind;
  chainId: number;
  oracle: Address;
  requestId: Hex;
  request: RequestJson;
  /** How outputs of the model compare, the registry's word in decimal; "0" where it had none. */
  profile: string;
  /** Unix milliseconds. */
  foundAt: number;
}

/** A proof without the statements and the bytes. */
export type EvidenceSummary = Omit<EvidenceProof, "statements" | "outputs" | "ours" | "request">;

/** The same for the same fault of the same operator in the same request, however often it is found. */
export const evidenceId = (key: RequestKey, operatorId: number, offence: Offence): Hex =>
  keccak256(toHex(`${key}/${operatorId}/${offence}`));

export function proofOf(
  about: {
    key: RequestKey;
    chainId: number;
    oracle: Address;
    requestId: Hex;
    request: RequestWords;
    profile: bigint;
  },
  finding: Finding,
  foundAt: number,
): EvidenceProof {
  const { key, chainId, oracle, requestId, request, profile } = about;
  return {
    schema: "sibyl/evidence@1",
    id: evidenceId(key, finding.operatorId, finding.offence),
    kind: OFFENCES[finding.offence],
    chainId,
    oracle,
    requestId,
    request: requestJson(request),
    profile: profile.toString(),
    ...finding,
    foundAt,
  };
}

export const requestJson = ({ terms, opening, funds, ...hashes }: RequestWords): RequestJson => ({
  ...hashes,
  terms: terms.toString(),
  opening: opening.toString(),
  funds: funds.toString(),
});

export const requestWords = ({ terms, opening, funds, ...hashes }: RequestJson): RequestWords => ({
  ...hashes,
  terms: BigInt(terms),
  opening: BigInt(opening),
  funds: BigInt(funds),
});

/** What a message attests; a proposal is signed as its proposer's attestation. Null for one that attests nothing. */
export function attestationIn(message: PeerMessage): Omit<AttestationMessage, "kind"> | null {
  if (message.kind === "attestation") {
    const { kind: _, ...attestation } = message;
    return attestation;
  }
  if (message.kind !== "proposal") return null;
  const { requestId, operatorId, view, output, signature } = message;
  return { requestId, operatorId, view, outputHash: keccak256(output), signature };
}

/** The commitments that a message brings with their signatures. */
export function commitmentsIn(message: PeerMessage): readonly CommitMessage[] {
  if (message.kind === "commit") return [message];
  return message.kind === "reveal" ? message.commits : [];
}

/** An operator that equivocation has cost everything, as the registry logged it. */
export interface SlashRecord {
  operatorId: number;
  requestId: Hex;
  reporter: Address;
  amountWei: bigint;
  rewardWei: bigint;
  transaction: Hex;
}
