import { commitmentHash } from "@sibyl/sdk";
import { type Hex, keccak256 } from "viem";
import type { Candidate } from "./draw.ts";
import type { AttestationMessage, CommitMessage, PeerMessage, ProposalMessage } from "./messages.ts";

/** A message whose signature was checked, and when it reached us. */
export interface HeardMessage {
  /** Order of arrival. */
  seq: number;
  message: PeerMessage;
  /** Unix milliseconds. */
  receivedAt: number;
}

/** Attestations of one output in one view. */
export interface AttestationGroup {
  view: number;
  outputHash: Hex;
  /** By operator id. */
  signers: ReadonlyMap<number, AttestationMessage>;
  /** When each was heard, in order of arrival, Unix milliseconds. */
  times: readonly number[];
}

/** What the drawn operators have said about one request, sorted out. */
export interface Ballot {
  /** Commitments heard before the cut-off, by operator id. Later ones never count. */
  timely: ReadonlyMap<number, CommitMessage>;
  /** Commitments that came too late to count, by operator id. */
  late: ReadonlyMap<number, CommitMessage>;
  /** When the first reveal that closes the commitments was heard, Unix milliseconds. */
  cutOffAt: number | null;
  /** Outputs that open a timely commitment, by operator id. */
  reveals: ReadonlyMap<number, Hex>;
  /** By increasing view, then order of arrival. */
  proposals: readonly ProposalMessage[];
  attestations: readonly AttestationGroup[];
  outputOf(outputHash: Hex): Hex | undefined;
  /** When the `count`-th timely commitment was heard; infinite while there are fewer. */
  commitQuorumAt(count: number): number;
  revealQuorumAt(count: number): number;
}

/** What `tally` must know of the request. */
export interface BallotRules {
  requestId: Hex;
  quorum: number;
  committeeSize: number;
  /** After a quorum of commitments, how long honest operators wait for the rest of the committee before they reveal. */
  commitGraceMs: number;
}

/**
 * Sorts out what was heard.
 *
 * The first reveal closes the commitments, because whoever commits after it may be copying. But an operator that
 * reveals early must not be able to shut the others out: a reveal closes them only when the whole committee has
 * committed, or half of the grace has passed since a quorum did. Honest reveals come later than that on any honest
 * clock; an earlier one gives away nobody's answer but its sender's.
 *
 * Only candidates' messages count, and of each operator only the first commitment, and the first attestation per view:
 * a replay or a second version adds nothing.
 *
 * @param heard In order of arrival, signatures checked.
 */
export function tally(
  rules: BallotRules,
  candidates: readonly Candidate[],
  heard: readonly HeardMessage[],
): Ballot {
  const { requestId, quorum, committeeSize, commitGraceMs } = rules;
  const drawn = new Set(candidates.map((candidate) => candidate.operatorId));
  const timely = new Map<number, CommitMessage>();
  const late = new Map<number, CommitMessage>();
  const commitTimes: number[] = [];
  const reveals = new Map<number, Hex>();
  const revealTimes: number[] = [];
  const outputs = new Map<Hex, Hex>();
  let cutOffAt: number | null = null;
  const commitQuorumAt = (count: number) => commitTimes[count - 1] ?? Number.POSITIVE_INFINITY;

  for (const { message, receivedAt } of heard) {
    const { operatorId } = message;
    if (!drawn.has(operatorId)) continue;
    if (message.kind === "commit") {
      if (timely.has(operatorId) || late.has(operatorId)) continue;
      (cutOffAt === null ? timely : late).set(operatorId, message);
      if (cutOffAt === null) commitTimes.push(receivedAt);
    } else if (message.kind === "reveal") {
      const commitment = timely.get(operatorId)?.commitment;
      if (reveals.has(operatorId) || commitment === undefined) continue;
      const outputHash = keccak256(message.output);
      const opened = commitmentHash({ requestHash: requestId, operatorId, outputHash, salt: message.salt });
      if (opened !== commitment) continue;
      if (timely.size >= committeeSize || receivedAt >= commitQuorumAt(quorum) + commitGraceMs / 2) {
        cutOffAt ??= receivedAt;
      }
      reveals.set(operatorId, message.output);
      revealTimes.push(receivedAt);
      outputs.set(outputHash, message.output);
    }
  }

  // Only now, because gossip may bring them before the commitment that makes them count.
  const counted = heard.filter(({ message }) => timely.has(message.operatorId));
  const proposals = counted.flatMap(({ message }) => (message.kind === "proposal" ? [message] : []));
  for (const { output } of proposals) outputs.set(keccak256(output), output);
  const groups = groupAttestations(counted);
  return {
    timely,
    late,
    cutOffAt,
    reveals,
    proposals: proposals.sort((a, b) => a.view - b.view),
    attestations: groups,
    outputOf: (outputHash) => outputs.get(outputHash),
    commitQuorumAt,
    revealQuorumAt: (count) => revealTimes[count - 1] ?? Number.POSITIVE_INFINITY,
  };
}

function groupAttestations(heard: readonly HeardMessage[]): AttestationGroup[] {
  const groups = new Map<
    string,
    { signers: Map<number, AttestationMessage>; times: number[] } & AttestationGroup
  >();
  const attested = new Set<string>();
  for (const { message, receivedAt } of heard) {
    if (message.kind !== "attestation") continue;
    const { view, outputHash, operatorId } = message;
    const slot = `${view}/${operatorId}`;
    if (attested.has(slot)) continue;
    attested.add(slot);
    const name = `${view}/${outputHash}`;
    const times: number[] = [];
    const group = groups.get(name) ?? {
      view,
      outputHash,
      signers: new Map<number, AttestationMessage>(),
      times,
    };
    group.signers.set(operatorId, message);
    group.times.push(receivedAt);
    groups.set(name, group);
  }
  return [...groups.values()];
}
