import type { RequestWords } from "@sibyl/sdk";
import type { Hex } from "viem";
import type { Sample } from "./samples.ts";

/** A block, as the chain dates it and as we saw it. */
export interface SeenBlock {
  number: bigint;
  /** Unix seconds. */
  timestamp: number;
  /** Unix milliseconds of our own clock. */
  seenAt: number;
}

export interface Opening {
  requestId: Hex;
  request: RequestWords;
  /** Unix seconds. */
  deadline: number;
  block: SeenBlock;
  paidWei: bigint;
}

export interface SettlementSeen {
  transaction: Hex;
  block: SeenBlock;
  gasUsed: bigint;
  /** Operators whose attestations were checked on chain. */
  signers: number[];
  /** The board's callback did its work, in the same transaction. */
  callbackLanded: boolean;
  label: string;
  confidence: number;
}

export interface ExpirySeen {
  transaction: Hex;
  refundedWei: bigint;
  /** What an operator says why nobody answered. */
  reason: string;
}

/** How far one message is. */
export interface MessageProgress {
  /** Counted from 1. */
  number: number;
  sample: Sample;
  opening: Opening | null;
  /** What the operators' status pages say meanwhile. */
  drawn: number[];
  committed: number[];
  settlement: SettlementSeen | null;
  expiry: ExpirySeen | null;
}

export const isRight = ({ sample, settlement }: MessageProgress): boolean =>
  settlement?.label === sample.label;

/** From the request's block to the callback's block: by the chain's timestamps, and by our clock. */
export function requestToCallback({
  opening,
  settlement,
}: MessageProgress): { chainMs: number; wallMs: number } | null {
  if (opening === null || settlement === null || !settlement.callbackLanded) return null;
  return {
    chainMs: (settlement.block.timestamp - opening.block.timestamp) * 1_000,
    wallMs: settlement.block.seenAt - opening.block.seenAt,
  };
}
