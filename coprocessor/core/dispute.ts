import type { Dispute, RequestFields } from "@sibyl/sdk";
import { unpackSigners } from "@sibyl/sdk";
import type { Address, Hex } from "viem";
import type { Ballot } from "./ballot.ts";
import { type Candidate, draw } from "./draw.ts";
import type { EnrolmentRecord } from "./operators.ts";

/** A jury that the oracle lists (`JuryArbiter.sol`), with its constants. */
export interface Arbiter {
  /** What requests name it by. */
  index: number;
  address: Address;
  /** What a challenge costs until it is decided. */
  bondWei: bigint;
  /** Seconds from a challenge in which a jury may decide, the last one included. */
  verdictSeconds: number;
}

/** What a challenge puts before a jury. */
export interface DisputedProposal {
  /** Of the request whose proposal is disputed. */
  requestId: Hex;
  arbiter: Address;
  /** As `ProposalChallenged` logged it. */
  dispute: Dispute;
  /** The bytes that `dispute.proposal` names. */
  output: Hex;
}

/** `lapsed`: no jury agreed in time, and the request was refunded. */
export type Verdict = "upheld" | "overturned" | "lapsed";

/** Who must agree on a subject of agreement, and when its draw widens. */
export interface AgreementTerms {
  quorum: number;
  /** How many are drawn at first. */
  committeeSize: number;
  /** Unix seconds; rounds count from here. */
  openedAt: number;
  roundSeconds: number;
}

/** A request's own terms; for a dispute about a committee of `c`, `c + 1` jurors of `2c + 1`, by the challenge's clock. */
export function agreementTerms(fields: RequestFields, disputed: DisputedProposal | null): AgreementTerms {
  const { quorum, committeeSize, openedAt, roundSeconds } = fields;
  if (disputed === null) return { quorum, committeeSize, openedAt, roundSeconds };
  return {
    quorum: committeeSize + 1,
    committeeSize: 2 * committeeSize + 1,
    openedAt: disputed.dispute.challengedAt,
    roundSeconds,
  };
}

/**
 * Who may judge, lowest ticket first: the same rule as `JuryArbiter.sol`.
 *
 * A jury is drawn as a request's operators are, from the seats that were active when the request opened, but for the
 * dispute's id and the hash of the challenge's block. Who signed the proposal does not sit on it.
 *
 * @param fields Of the request.
 * @param challengedBlockHash A reorg changes it, and with it the jury.
 */
export function drawJury(
  disputeId: Hex,
  fields: RequestFields,
  disputed: DisputedProposal,
  challengedBlockHash: Hex,
  enrolments: readonly EnrolmentRecord[],
): Candidate[] {
  const accused = new Set(unpackSigners(disputed.dispute.proposal.signers));
  const { committeeSize } = agreementTerms(fields, disputed);
  const eligible = enrolments.filter(({ operatorId }) => !accused.has(operatorId));
  return draw(disputeId, { ...fields, committeeSize }, challengedBlockHash, eligible);
}

/** How far a jury is, in a few words, whoever asks: `commitments 2 of 4`. */
export function juryProgress(ballot: Ballot, quorum: number): string {
  const attested = Math.max(0, ...ballot.attestations.map(({ signers }) => signers.size));
  if (attested > 0) return `attestations ${attested} of ${quorum}`;
  if (ballot.reveals.size > 0) return `reveals ${ballot.reveals.size} of ${quorum}`;
  return `commitments ${ballot.timely.size} of ${quorum}`;
}
