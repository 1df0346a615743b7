import { agree, type DeterminismProfile, type OutputCodec, unpackSigners } from "@sibyl/sdk";
import type { Hex } from "viem";
import type { RequestKey } from "./request.ts";

/**
 * Where the second look at a proposed output stands.
 *
 * `pending`   chosen; waits for a place in the queue
 * `running`   its job is in the queue
 * `agrees`    our output and the proposed one are the same answer under the model's profile
 * `disagrees` they are not: a challenge is planned or sent; `reason` says where they differ
 * `skipped`   not looked at in time, or not affordable; `reason` says why
 * `failed`    we could not run the model, so we say nothing about the answer; `reason` says why
 */
export type WatchState = "pending" | "running" | "agrees" | "disagrees" | "skipped" | "failed";

/** States in which a place in the queue is wanted or taken. */
export const OPEN_WATCH_STATES = ["pending", "running"] as const;

/** One second look. It is evidence: both outputs stay, whatever the chain decides. */
export interface WatchRecord {
  /** Of the request's row. */
  key: RequestKey;
  state: WatchState;
  /** Unix seconds; the last one in which the proposal may be challenged. */
  windowEndsAt: number;
  /** What we computed; null before. */
  output: Hex | null;
  /** The proposed output that ours was compared with; null before. */
  proposedOutput: Hex | null;
  reason: string | null;
  /** Unix milliseconds. */
  createdAt: number;
  updatedAt: number;
}

/** What is known when it is decided whether to look at a proposed output again. */
export interface WatchView {
  me: number;
  signers: bigint;
  /** Whether the request's arbiter is a jury that we know. */
  judged: boolean;
  sampled: boolean;
  /** Whether we would run this model for a stranger's request. */
  serves: boolean;
}

/** Why not to look at a proposed output; null to look. */
export function reasonNotToWatch({ me, signers, judged, sampled, serves }: WatchView): string | null {
  if (unpackSigners(signers).includes(me)) return "we signed it";
  if (!judged) return "its arbiter is no jury";
  if (!serves) return "we do not run its model";
  return sampled ? null : "not in our sample";
}

/** Compares what we computed with what was proposed. A disagreement says where, and by how much. */
export function judgeProposal(
  of: { codec: OutputCodec; profile: DeterminismProfile },
  ours: Hex,
  proposed: Hex,
): { state: "agrees" | "disagrees"; reason: string | null } {
  const comparison = agree(of.codec, of.profile, proposed, ours);
  if (comparison.agrees) return { state: "agrees", reason: null };
  return { state: "disagrees", reason: comparison.reason };
}

/**
 * Which of the open second looks are to be run now, and which come too late, run or not: the window that ends first goes
 * first.
 *
 * @param marginMs How long before a window's end the last useful moment is.
 * @param chainNow The chain's time, Unix milliseconds.
 */
export function nextWatches(
  open: readonly WatchRecord[],
  of: { maxRunning: number; marginMs: number; chainNow: number },
): { run: WatchRecord[]; running: WatchRecord[]; skip: WatchRecord[] } {
  const isLate = (watch: WatchRecord) => watch.windowEndsAt * 1_000 - of.marginMs < of.chainNow;
  const byEnd = open.toSorted((a, b) => a.windowEndsAt - b.windowEndsAt);
  const inTime = byEnd.filter((watch) => !isLate(watch));
  const running = inTime.filter(({ state }) => state === "running");
  const places = Math.max(0, of.maxRunning - running.length);
  return {
    run: inTime.filter(({ state }) => state === "pending").slice(0, places),
    running,
    skip: byEnd.filter(isLate),
  };
}
