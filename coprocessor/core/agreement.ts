import type { DeterminismProfile, OutputCodec } from "@sibyl/sdk";
import { keccak256 } from "@sibyl/sdk/keccak256";
import type { Hex } from "viem";
import type { Ballot } from "./ballot.ts";
import { creditable, creditableAt } from "./creditable.ts";
import type { Candidate } from "./draw.ts";
import { idle } from "./idle.ts";
import { judge, propose } from "./proposal.ts";
import { type Reopening, reopening } from "./reopening.ts";
import { start } from "./starting.ts";
import { viewAt, viewStartsAfter } from "./views.ts";

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
  /** After the first reveals: how long a quorum may take to attest before others stand in. */
  replaceAfterMs: number;
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

/** A decision, and the ballot that it was made on: the late commitments count in it once the request has reopened. */
export type DecisionOnBallot = AgreementDecision & { ballot: Ballot };

/**
 * What this operator should do next about one request, or as a juror about one dispute.
 *
 * A pure function of what is stored, so it may run at any time and any number of times. Commit hides the answer until
 * a quorum has one; a reveal opens it; an attestation says that an output follows from the reveals and agrees with
 * our own. Rules that must hold whatever arrives, in whatever order:
 * - nothing is revealed before a quorum of drawn operators committed;
 * - a commitment that arrives after the reveals began does not count, ours included, unless those that came before do
 *   not make a quorum of attestations within `replaceAfterMs`: then others stand in (`reopening`);
 * - at most one output is attested per view, and for `exact` models only in view 0;
 * - nothing is attested that disagrees with our own committed output under the model's profile.
 */
export function decide(view: AgreementView): DecisionOnBallot {
  const again = reopening(view);
  const ballot = again.open ? view.ballot.reopened(again.at) : view.ballot;
  const decision = decideOn({ ...view, ballot }, again);
  // Nobody may have anything new to say by then.
  const reopensAt = again.open ? null : again.at;
  const wakeAt = reopensAt === null ? decision.wakeAt : Math.min(reopensAt, decision.wakeAt ?? reopensAt);
  return { ...decision, wakeAt, ballot };
}

function decideOn(view: AgreementView, again: Reopening): AgreementDecision {
  const { ballot, now, timing } = view;
  const me = view.candidates.find((candidate) => candidate.operatorId === view.me);
  if (me === undefined)
    return idle(view.disputed === null ? "not drawn for this request" : "not drawn for this jury");
  const timely = ballot.timely;
  const committed = timely.has(view.me);

  if (view.output === null) return start(view, me, again);
  if (!committed) {
    if (ballot.cutOffAt !== null && !again.open)
      return idle("others revealed before we committed; our answer does not count");
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

/** `exact`: our own bytes, once a quorum shares them. Everybody's proposal would be the same, so nobody needs to propose. */
function agreeExactly(view: AgreementView, ours: Hex): AgreementDecision {
  const { ballot } = view;
  const groups = new Map<Hex, number[]>();
  for (const [operatorId, output] of ballot.reveals)
    groups.set(output, [...(groups.get(output) ?? []), operatorId]);
  if ((groups.get(ours)?.length ?? 0) < view.quorum) return unlikeOthers(view, groups);
  if (view.attested.size > 0) return idle("attestations");
  return {
    actions: [{ type: "attest", view: 0, outputHash: keccak256(ours) }],
    waitingFor: "attestations",
    wakeAt: null,
    disagreement: null,
  };
}

/** Our own bytes are not a quorum's, or not yet. */
function unlikeOthers(
  { ballot, quorum }: AgreementView,
  groups: ReadonlyMap<Hex, number[]>,
): AgreementDecision {
  const winner = [...groups.values()].find((operators) => operators.length >= quorum);
  if (winner !== undefined) {
    const disagreement = `operators ${winner.sort((a, b) => a - b).join(", ")} share another output than ours`;
    return { ...idle(disagreement), disagreement };
  }
  const silent = ballot.timely.size - ballot.reveals.size;
  const best = Math.max(...[...groups.values()].map((operators) => operators.length));
  const split = best + silent < quorum;
  return {
    ...idle(`equal outputs: ${best} of ${quorum}${split ? "; the outputs are split" : ""}`),
    disagreement: split ? `${groups.size} different outputs from ${ballot.reveals.size} operators` : null,
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
  const currentView = viewAt(now - quorumAt, timing.viewTimeoutMs);
  const nextViewAt = quorumAt + viewStartsAfter(currentView + 1, timing.viewTimeoutMs);
  const disagreement = refusals.length > 0 ? refusals.join("; ") : null;
  const waiting = { ...idle(disagreement ?? "attestations"), wakeAt: nextViewAt, disagreement };
  if (proposers[currentView % proposers.length]?.operatorId !== view.me) return waiting;
  if (view.proposed.has(currentView) || view.attested.has(currentView)) return waiting;

  const graceAt = quorumAt + timing.revealGraceMs;
  if (ballot.reveals.size < ballot.timely.size && now < graceAt) {
    return { ...idle("the rest of the reveals"), wakeAt: graceAt };
  }
  const proposal = propose(rules, ours);
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
 * Only operators whose own answer it is are named as signers (`creditable`). Each signer's turn comes in ticket order, so that
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
  for (const group of view.ballot.attestations) {
    const signers = creditable(view, view.ballot, group);
    const order = view.candidates
      .filter((candidate) => candidate.fromRound <= view.round)
      .map((candidate) => candidate.operatorId)
      .filter((operatorId) => signers.includes(operatorId));
    if (order.length < view.quorum) {
      best = {
        ...best,
        waitingFor: `attestations: ${order.length} of ${view.quorum}${missing(view, new Set(signers))}`,
      };
      continue;
    }
    const place = order.indexOf(view.me);
    const output = view.ballot.outputOf(group.outputHash);
    if (place < 0 || output === undefined) continue;
    const quorumAt = creditableAt(group, signers, view.quorum);
    const turnAt = Math.max(quorumAt + place * timing.settleDelayMs, retryAt);
    if (view.now < turnAt) {
      return { ...decision, waitingFor: `operator ${order[0]} to settle`, wakeAt: turnAt };
    }
    const others = order.filter((operatorId) => operatorId !== view.me).slice(0, view.quorum - 1);
    const chosen = [...others, view.me].sort((a, b) => a - b);
    return {
      ...decision,
      actions: [...decision.actions, { type: "settle", view: group.view, output, signers: chosen }],
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
