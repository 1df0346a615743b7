import { isRight, type MessageProgress, requestToCallback } from "./messageProgress.ts";

/** What came of a run; `--json` prints it as it is. */
export interface Summary {
  requests: number;
  settled: number;
  /** Callbacks that did their work in the settling transaction. */
  callbacks: number;
  /** Fewest attestations behind a settlement; 0 when nothing was settled. */
  attestationsMin: number;
  /** Labels that are what the message really is. */
  correct: number;
  /** Median, by the chain's block timestamps; null when nothing was settled. */
  requestToCallbackMsP50: number | null;
  /** The same by this machine's clock. */
  requestToCallbackWallMsP50: number | null;
  settlementGasP50: number | null;
  expired: number;
  /** Decimal wei. */
  paidWei: string;
  refundedWei: string;
}

export function summarize(messages: readonly MessageProgress[]): Summary {
  const settlements = messages.flatMap(({ settlement }) => settlement ?? []);
  const times = messages.flatMap((message) => requestToCallback(message) ?? []);
  const expiries = messages.flatMap(({ expiry }) => expiry ?? []);
  return {
    requests: messages.filter(({ opening }) => opening !== null).length,
    settled: settlements.length,
    callbacks: settlements.filter(({ callbackLanded }) => callbackLanded).length,
    attestationsMin:
      settlements.length === 0 ? 0 : Math.min(...settlements.map(({ signers }) => signers.length)),
    correct: messages.filter(isRight).length,
    requestToCallbackMsP50: median(times.map(({ chainMs }) => chainMs)),
    requestToCallbackWallMsP50: median(times.map(({ wallMs }) => wallMs)),
    settlementGasP50: median(settlements.map(({ gasUsed }) => Number(gasUsed))),
    expired: expiries.length,
    paidWei: sum(messages.map(({ opening }) => opening?.paidWei ?? 0n)).toString(),
    refundedWei: sum(expiries.map(({ refundedWei }) => refundedWei)).toString(),
  };
}

/** Every message got its answer from a quorum, and every callback landed. */
export const isComplete = (summary: Summary, wanted: { messages: number; quorum: number }): boolean =>
  summary.requests === wanted.messages &&
  summary.settled === wanted.messages &&
  summary.callbacks === wanted.messages &&
  summary.attestationsMin >= wanted.quorum;

/** The middle value, of an even number the mean of the middle two, rounded; null of nothing. */
export function median(values: readonly number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.ceil(sorted.length / 2) - 1];
  return upper === undefined || lower === undefined ? null : Math.round((upper + lower) / 2);
}

const sum = (values: readonly bigint[]): bigint => values.reduce((total, value) => total + value, 0n);
