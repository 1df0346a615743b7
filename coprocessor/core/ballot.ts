import { keccak256 } from "@sibyl/sdk/keccak256";
import type { Hex } from "viem";
import type { Candidate } from "./draw.ts";
import type { AttestationMessage, CommitMessage, PeerMessage, ProposalMessage } from "./messages.ts";
import { revealOpening } from "./revealOpening.ts";

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
  /** Operators that attested two outputs in one view. */
  equivocators: ReadonlySet<number>;
  /** Operators that signed two commitments. Nothing that they say counts. */
  doubleCommitters: ReadonlySet<number>;
  outputOf(outputHash: Hex): Hex | undefined;
  /** When the `count`-th timely commitment was heard; infinite while there are fewer. */
  commitQuorumAt(count: number): number;
  revealQuorumAt(count: number): number;
  /**
   * The ballot with the late commitments counted too, as if they had come at this time, Unix milliseconds: for when
   * those that were in time come to no agreement.
   */
  reopened(at: number): Ballot;
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
 * Only candidates' messages count, and of each operator only the first attestation per view: a replay or a second version
 * adds nothing. Who signs two commitments does not count at all: it could open one to some operators and the other to
 * others, whose medians would then never be the same.
 *
 * @param heard In order of arrival, signatures checked.
 */
export function tally(
  rules: BallotRules,
  candidates: readonly Candidate[],
  heard: readonly HeardMessage[],
): Ballot {
  return sortOut(rules, candidates, heard, null);
}

function sortOut(
  rules: BallotRules,
  candidates: readonly Candidate[],
  heard: readonly HeardMessage[],
  reopenedAt: number | null,
): Ballot {
  const { requestId, quorum, committeeSize, commitGraceMs } = rules;
  const drawn = new Set(candidates.map((candidate) => candidate.operatorId));
  const timely = new Map<number, CommitMessage>();
  const late = new Map<number, CommitMessage>();
  const doubleCommitters = new Set<number>();
  const commitTimes: Heard[] = [];
  const reveals = new Map<number, Hex>();
  const revealTimes: Heard[] = [];
  const outputs = new Map<Hex, Hex>();
  let cutOffAt: number | null = null;
  for (const { message, receivedAt } of heard) {
    const { operatorId } = message;
    if (!drawn.has(operatorId)) continue;
    if (message.kind === "commit") {
      const earlier = timely.get(operatorId) ?? late.get(operatorId);
      if (earlier !== undefined) {
        if (earlier.commitment !== message.commitment) doubleCommitters.add(operatorId);
        continue;
      }
      if (cutOffAt === null) {
        timely.set(operatorId, message);
        commitTimes.push({ operatorId, at: receivedAt });
        continue;
      }
      late.set(operatorId, message);
      if (reopenedAt === null) continue;
      timely.set(operatorId, message);
      commitTimes.push({ operatorId, at: Math.max(receivedAt, reopenedAt) });
    } else if (message.kind === "reveal") {
      const commitment = timely.get(operatorId)?.commitment;
      if (reveals.has(operatorId) || commitment === undefined || message.requestId !== requestId) continue;
      const { outputHash, commitment: opened } = revealOpening(message);
      if (opened !== commitment) continue;
      if (timely.size >= committeeSize || receivedAt >= timeOf(commitTimes, quorum) + commitGraceMs / 2) {
        cutOffAt ??= receivedAt;
      }
      reveals.set(operatorId, message.output);
      const at = late.has(operatorId) ? Math.max(receivedAt, reopenedAt ?? 0) : receivedAt;
      revealTimes.push({ operatorId, at });
      outputs.set(outputHash, message.output);
    }
  }

  // Only now: what the commitments closed stays closed, whatever one of them does later.
  for (const operatorId of doubleCommitters) {
    timely.delete(operatorId);
    late.delete(operatorId);
    reveals.delete(operatorId);
  }
  const counting = ({ operatorId }: Heard) => timely.has(operatorId);
  const commitsThatCount = commitTimes.filter(counting);
  const revealsThatCount = revealTimes.filter(counting).sort((one, other) => one.at - other.at);

  // Only now, because gossip may bring them before the commitment that makes them count.
  const counted = heard.filter(({ message }) => timely.has(message.operatorId));
  const proposals = counted.flatMap(({ message }) => (message.kind === "proposal" ? [message] : []));
  for (const proposal of proposals) outputs.set(hashOf(proposal), proposal.output);
  return {
    timely,
    late,
    cutOffAt,
    reveals,
    proposals: proposals.sort((a, b) => a.view - b.view),
    ...groupAttestations(counted),
    doubleCommitters,
    outputOf: (outputHash) => outputs.get(outputHash),
    commitQuorumAt: (count) => timeOf(commitsThatCount, count),
    revealQuorumAt: (count) => timeOf(revealsThatCount, count),
    reopened: (at) => sortOut(rules, candidates, heard, at),
  };
}

interface Heard {
  operatorId: number;
  /** Unix milliseconds. */
  at: number;
}

const timeOf = (times: readonly Heard[], count: number): number =>
  times[count - 1]?.at ?? Number.POSITIVE_INFINITY;

const hashes = new WeakMap<ProposalMessage, Hex>();

function hashOf(proposal: ProposalMessage): Hex {
  const hash = hashes.get(proposal) ?? keccak256(proposal.output);
  hashes.set(proposal, hash);
  return hash;
}

function groupAttestations(heard: readonly HeardMessage[]): Pick<Ballot, "attestations" | "equivocators"> {
  const groups = new Map<
    string,
    { signers: Map<number, AttestationMessage>; times: number[] } & AttestationGroup
  >();
  const attested = new Map<string, Hex>();
  const equivocators = new Set<number>();
  for (const { message, receivedAt } of heard) {
    if (message.kind !== "attestation") continue;
    const { view, outputHash, operatorId } = message;
    const slot = `${view}/${operatorId}`;
    const earlier = attested.get(slot);
    if (earlier !== undefined && earlier !== outputHash) equivocators.add(operatorId);
    if (earlier !== undefined) continue;
    attested.set(slot, outputHash);
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
  return { attestations: [...groups.values()], equivocators };
}
