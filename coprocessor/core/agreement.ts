import type { DeterminismProfile, OutputCodec } from "@sibyl/sdk";
import { type Hex, keccak256 } from "viem";
import type { Ballot } from "./ballot.ts";
import type { Candidate } from "./draw.ts";
import { judge, propose } from "./proposal.ts";

/** Milliseconds of patience at each step; all measured on this node's own clock. */
export interface AgreementTiming {
  /** After a quorum of commitments: how long to wait for the rest of the committee. */
  commitGraceMs: number;
  /** After a quorum of reveals: how long a proposer waits for the rest. */
  revealGraceMs: number;
  /** How long a view's proposer has before the next one may propose. */
  viewTimeoutMs: number;
  /** How long each signer waits for the one before it to settle. */
  settleDelayMs: number;
  /** How long a stand-by waits for each place that it stands behind the committee. */
  standbyDelayMs: number;
}

export interface AgreementView {
  me: number;
  quorum: number;
  committeeSize: number;
  codec: OutputCodec;
  profile: DeterminismProfile;
  /** The output that this jury judges; null when the subject is a request. */
  disputed: Hex | null;
  /** Everybody that the draw admits, lowest ticket first. */
  candidates: readonly Candidate[];
  /** Round of the draw that the chain's clock has reached. */
  round: number;
  /** Milliseconds from the request's opening to the next round, counted from `now`. */
  nextRoundInMs: number;
  /** When this node first saw the request, Unix milliseconds. */
  seenAt: number;
  /** Our job was handed to the queue. */
  started: boolean;
  output: Hex | null;
  /** What was said about this request, ours included, in order of arrival. */
  ballot: Ballot;
  /** Views in which we attested, and what. */
  attested: ReadonlyMap<number, Hex>;
  /** Views in which we proposed. */
  proposed: ReadonlySet<number>;
  /** A settlement by us is stored or sent. */
  settling: boolean;
  /** Why it is not sent, when it is not; for people. */
  settlementHeld: string | null;
  /** Settlements of ours that did not land, and when the last one was given up, Unix milliseconds. */
  failedSettlements: { count: number; lastAt: number; reason: string | null };
  timing: AgreementTiming;
  /** Unix milliseconds. */
  now: number;
}

export type AgreementAction =
  | { type: "start" }
  | { type: "commit" }
  | { type: "reveal" }
  | { type: "propose"; view: number; output: Hex; reveals: number[] }
  | { type: "attest"; view: number; outputHash: Hex }
  | { type: "settle"; view: number; output: Hex; signers: number[] };

/** Settlements that one operator tries before it leaves the request to the others. */
const MAX_SETTLEMENTS = 4;

export interface AgreementDecision {
  actions: AgreementAction[];
  /** What is missing, for people; shown by status and kept as the reason when the request expires. */
  waitingFor: string;
  /** When to decide again even if nothing is heard, Unix milliseconds. */
  wakeAt: number | null;
  /** Our committed output is not the one that the others agree on: kept as evidence. */
  disagreement: string | null;
}

/**
 * What this operator should do next about one request, or as a juror about one dispute.
 *
 * A pure function of what is stored, so it may run at any time and any number of times. Commit hides the answer until
 * a quorum has one; a reveal opens it; an attestation says that an output follows from the reveals and agrees with
 * our own. Rules that must hold whatever arrives, in whatever order:
 * - nothing is revealed before a quorum of drawn operators committed;
 * - a commitment that arrives after the reveals began never counts, ours included;
 * - at most one output is attested per view, and for `exact` models only in view 0;
 * - nothing is attested that disagrees with our own committed output under the model's profile.
 */
export function decide(view: AgreementView): AgreementDecision {
  const { ballot, now, timing } = view;
  const me = view.candidates.find((candidate) => candidate.operatorId === view.me);
  if (me === undefined)
    return idle(view.disputed === null ? "not drawn for this request" : "not drawn for this jury");
  const timely = ballot.timely;
  const committed = timely.has(view.me);

  if (view.output === null) return start(view, me);
  if (!committed) {
    if (ballot.cutOffAt !== null) return idle("others revealed before we committed; our answer cannot count");
    return { actions: [{ type: "commit" }], waitingFor: "our commitment", wakeAt: null, disagreement: null };
  }

  if (!ballot.reveals.has(view.me)) {
    if (timely.size < view.quorum) {
      return idle(`commitments: ${timely.size} of ${view.quorum}${missing(view, timely)}`);
    }
    const grace = ballot.commitQuorumAt(view.quorum) + timing.commitGraceMs;
    if (ballot.cutOffAt === null && timely.size < view.committeeSize && now < grace) {
      return { ...idle(`the rest of the committee: ${timely.size} of ${view.committeeSize}`), wakeAt: grace };
    }
    return { actions: [{ type: "reveal" }], waitingFor: "our reveal", wakeAt: null, disagreement: null };
  }

  if (ballot.reveals.size < view.quorum) {
    return idle(`reveals: ${ballot.reveals.size} of ${view.quorum}${missing(view, ballot.reveals)}`);
  }
  const agreed =
    view.profile.kind === "exact" ? agreeExactly(view, view.output) : agreeWithin(view, view.output);
  return settle(view, agreed);
}

function start(view: AgreementView, me: Candidate): AgreementDecision {
  if (view.started) return idle("our own inference");
  if (view.ballot.cutOffAt !== null) return idle("others revealed before we started");
  if (me.fromRound > view.round) {
    const roundsToGo = me.fromRound - view.round;
    return {
      ...idle(`round ${me.fromRound} of the draw (now ${view.round})`),
      wakeAt:
        roundsToGo === 1 ? view.now + view.nextRoundInMs : view.now + Math.max(view.nextRoundInMs, 1_000),
    };
  }
  const admitted = view.candidates.filter((candidate) => candidate.fromRound <= view.round);
  const place = admitted.findIndex((candidate) => candidate.operatorId === view.me);
  const standbyPlace = view.round > 0 ? 0 : Math.max(0, place - view.committeeSize + 1);
  const startAt = view.seenAt + standbyPlace * view.timing.standbyDelayMs;
  if (view.now < startAt) return { ...idle(`standing by, place ${standbyPlace}`), wakeAt: startAt };
  if (standbyPlace > 0 && view.ballot.timely.size >= view.committeeSize) {
    return idle("standing by; the committee has committed");
  }
  return { actions: [{ type: "start" }], waitingFor: "our own inference", wakeAt: null, disagreement: null };
}

/** `exact`: the bytes that a quorum shares. Everybody's proposal would be the same, so nobody needs to propose. */
function agreeExactly(view: AgreementView, ours: Hex): AgreementDecision {
  const { ballot } = view;
  const groups = new Map<Hex, number[]>();
  for (const [operatorId, output] of ballot.reveals)
    groups.set(output, [...(groups.get(output) ?? []), operatorId]);
  const winner = [...groups].find(([, operators]) => operators.length >= view.quorum);
  if (winner === undefined) {
    const silent = ballot.timely.size - ballot.reveals.size;
    const best = Math.max(...[...groups.values()].map((operators) => operators.length));
    const split = best + silent < view.quorum;
    return {
      ...idle(`equal outputs: ${best} of ${view.quorum}${split ? "; the outputs are split" : ""}`),
      disagreement: split ? `${groups.size} different outputs from ${ballot.reveals.size} operators` : null,
    };
  }
  const [output, operators] = winner;
  if (output !== ours) {
    const disagreement = `operators ${operators.sort((a, b) => a - b).join(", ")} share another output than ours`;
    return { ...idle(disagreement), disagreement };
  }
  if (view.attested.size > 0) return idle("attestations");
  return {
    actions: [{ type: "attest", view: 0, outputHash: keccak256(ours) }],
    waitingFor: "attestations",
    wakeAt: null,
    disagreement: null,
  };
}

/** `tolerance`: a proposer puts the median, or a jury's verdict, forward; whoever can recompute it and agrees with it attests. */
function agreeWithin(view: AgreementView, ours: Hex): AgreementDecision {
  const { ballot, now, timing } = view;
  const { quorum, codec, profile, disputed } = view;
  const rules = { quorum, codec, profile, disputed, reveals: ballot.reveals };
  const refusals: string[] = [];
  for (const proposal of ballot.proposals) {
    if (view.attested.has(proposal.view)) continue;
    const verdict = judge(rules, ours, proposal);
    if (verdict === "follows") {
      const outputHash = keccak256(proposal.output);
      return {
        actions: [{ type: "attest", view: proposal.view, outputHash }],
        waitingFor: "attestations",
        wakeAt: null,
        disagreement: null,
      };
    }
    if (verdict.final)
      refusals.push(`view ${proposal.view} by operator ${proposal.operatorId}: ${verdict.reason}`);
  }

  const quorumAt = ballot.revealQuorumAt(view.quorum);
  const proposers = view.candidates.filter((candidate) => ballot.timely.has(candidate.operatorId));
  const currentView = Math.floor(Math.max(0, now - quorumAt) / timing.viewTimeoutMs);
  const nextViewAt = quorumAt + (currentView + 1) * timing.viewTimeoutMs;
  const disagreement = refusals.length > 0 ? refusals.join("; ") : null;
  const waiting = { ...idle(disagreement ?? "attestations"), wakeAt: nextViewAt, disagreement };
  if (proposers[currentView % proposers.length]?.operatorId !== view.me) return waiting;
  if (view.proposed.has(currentView) || view.attested.has(currentView)) return waiting;

  const graceAt = quorumAt + timing.revealGraceMs;
  if (ballot.reveals.size < ballot.timely.size && now < graceAt) {
    return { ...idle("the rest of the reveals"), wakeAt: graceAt };
  }
  const proposal = propose(rules);
  if (proposal === null) {
    const split =
      disputed === null
        ? `no label is shared by ${view.quorum} of ${ballot.reveals.size} reveals`
        : `no verdict is shared by ${view.quorum} of ${ballot.reveals.size} reveals`;
    return { ...idle(split), wakeAt: nextViewAt, disagreement: split };
  }
  // A proposal is its proposer's attestation too, so it may only be one that we agree with.
  const verdict = judge(rules, ours, proposal);
  if (verdict !== "follows") {
    const what = disputed === null ? "the median" : "the verdict";
    const refusal = `${what} of the reveals disagrees with our output: ${verdict.reason}`;
    return { ...idle(refusal), wakeAt: nextViewAt, disagreement: refusal };
  }
  return {
    actions: [{ type: "propose", view: currentView, ...proposal }],
    waitingFor: "attestations",
    wakeAt: nextViewAt,
    disagreement: null,
  };
}

/**
 * Adds the settlement once a quorum attested one output in one view.
 *
 * Only operators that committed in time are named as signers. Each signer's turn comes in ticket order, so that
 * usually one transaction is sent, and a dead first signer costs one delay.
 */
function settle(view: AgreementView, decision: AgreementDecision): AgreementDecision {
  if (view.settling) return { ...decision, waitingFor: view.settlementHeld ?? "the settlement's block" };
  const { failedSettlements, timing } = view;
  if (failedSettlements.count >= MAX_SETTLEMENTS) {
    return {
      ...decision,
      waitingFor: `another operator to settle; ours failed: ${failedSettlements.reason}`,
    };
  }
  const retryAt = failedSettlements.count === 0 ? 0 : failedSettlements.lastAt + timing.settleDelayMs;
  let best: AgreementDecision = decision;
  for (const { view: viewNumber, outputHash, signers, times } of view.ballot.attestations) {
    const order = view.candidates
      .filter(
        (candidate) => candidate.fromRound <= view.round && view.ballot.timely.has(candidate.operatorId),
      )
      .map((candidate) => candidate.operatorId)
      .filter((operatorId) => signers.has(operatorId));
    if (order.length < view.quorum) {
      best = {
        ...best,
        waitingFor: `attestations: ${order.length} of ${view.quorum}${missing(view, signers)}`,
      };
      continue;
    }
    const place = order.indexOf(view.me);
    const output = view.ballot.outputOf(outputHash);
    if (place < 0 || output === undefined) continue;
    const turnAt = Math.max((times[view.quorum - 1] ?? view.now) + place * timing.settleDelayMs, retryAt);
    if (view.now < turnAt) {
      return { ...decision, waitingFor: `operator ${order[0]} to settle`, wakeAt: turnAt };
    }
    const others = order.filter((operatorId) => operatorId !== view.me).slice(0, view.quorum - 1);
    const chosen = [...others, view.me].sort((a, b) => a - b);
    return {
      ...decision,
      actions: [...decision.actions, { type: "settle", view: viewNumber, output, signers: chosen }],
      waitingFor: "the settlement's block",
    };
  }
  return best;
}

/** Names the primaries that we have nothing from. */
function missing(view: AgreementView, heard: { has(operatorId: number): boolean }): string {
  const silent = view.candidates
    .filter((candidate) => candidate.fromRound <= view.round)
    .slice(0, view.committeeSize)
    .map((candidate) => candidate.operatorId)
    .filter((operatorId) => !heard.has(operatorId));
  return silent.length === 0 ? "" : `; nothing from operator ${silent.join(", ")}`;
}

const idle = (waitingFor: string): AgreementDecision => ({
  actions: [],
  waitingFor,
  wakeAt: null,
  disagreement: null,
});
