import { type Proposal, unpackSigners } from "@sibyl/sdk";

/** What is known when it is decided whether to finalize a proposal. */
export interface FinalizationView {
  me: number;
  proposal: Proposal;
  /** Seconds. */
  challengeWindow: number;
  /** Whether a transaction of ours is under way, or has done it. */
  finalizing: boolean;
  failedFinalizations: { count: number; lastAt: number };
  /** Milliseconds that each signer gives the one before it. */
  delayMs: number;
  /** The chain's time, Unix milliseconds. */
  chainNow: number;
  /** Ours, Unix milliseconds; `lastAt` and `until` are of this clock. */
  now: number;
}

/**
 * `finalize` now; `wait` until a time of our clock; `leave` it to others, who are paid for it.
 */
export type FinalizationStep = { type: "finalize" } | { type: "wait"; until: number } | { type: "leave" };

/**
 * Decides who finalizes a proposal: its submitter as soon as the window is over, then the other signers one after the
 * other. Nobody else's gas would be repaid.
 */
export function decideFinalization(view: FinalizationView): FinalizationStep {
  const { me, proposal, failedFinalizations: failed, delayMs, now } = view;
  const signers = unpackSigners(proposal.signers);
  const first = signers.filter((operatorId) => operatorId === proposal.submitterId);
  const order = [...first, ...signers.filter((operatorId) => operatorId !== proposal.submitterId)];
  const place = order.indexOf(me);
  if (place === -1 || view.finalizing) return { type: "leave" };

  const overAtMs = (proposal.proposedAt + view.challengeWindow + 1) * 1_000;
  const dueAt = now + (overAtMs - view.chainNow) + place * delayMs;
  const at = failed.count === 0 ? dueAt : Math.max(dueAt, failed.lastAt + failed.count * delayMs);
  return at > now ? { type: "wait", until: at } : { type: "finalize" };
}
