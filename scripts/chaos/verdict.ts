import type { Hex } from "viem";
import type { ChainFacts } from "./chainAudit.ts";

/** What a storm came to; every key but the first three and the last two must be 0. */
export interface ChaosResult {
  seed: number;
  requests: number;
  settled: number;
  /** Refunded, and an operator that was drawn says why. */
  expiredWithReason: number;
  /** Neither settled nor expired with a reason. */
  lost: number;
  settledTwice: number;
  /** Pairs of statements of one operator that exclude each other. */
  equivocations: number;
  /** Times that a request's escrow was paid out beyond the first. */
  doublePayments: number;
  /** Sum of all differences between what the logs make a balance and what it is; a decimal string. */
  balanceErrorWei: string;
  /** Of the whole run. */
  seconds: number;
}

/** The least part of the requests that must settle, in percent. */
const LEAST_SETTLED_PERCENT = 95;

export function judge(
  { opened, payouts, refunds }: ChainFacts,
  reasons: ReadonlyMap<Hex, string>,
): Pick<
  ChaosResult,
  "requests" | "settled" | "expiredWithReason" | "lost" | "settledTwice" | "doublePayments"
> {
  const count = (requestId: Hex, rows: readonly { requestId: Hex }[]) =>
    rows.filter((row) => row.requestId === requestId).length;
  const ids = [...new Set(opened.map(({ requestId }) => requestId))];
  const rows = ids.map((requestId) => ({
    settled: count(requestId, payouts),
    refunded: count(requestId, refunds),
    hasReason: reasons.has(requestId),
  }));
  const settled = rows.filter((row) => row.settled > 0).length;
  const expiredWithReason = rows.filter(
    (row) => row.settled === 0 && row.refunded > 0 && row.hasReason,
  ).length;
  return {
    requests: ids.length,
    settled,
    expiredWithReason,
    lost: ids.length - settled - expiredWithReason,
    settledTwice: rows.reduce((sum, row) => sum + Math.max(0, row.settled - 1), 0),
    doublePayments: rows.reduce((sum, row) => sum + Math.max(0, row.settled + row.refunded - 1), 0),
  };
}

/** What breaks the promise; empty when it holds. */
export function broken(result: ChaosResult): string[] {
  const zero = ["lost", "settledTwice", "equivocations", "doublePayments"] as const;
  const faults = zero.filter((key) => result[key] !== 0).map((key) => `${key} is ${result[key]}`);
  if (result.balanceErrorWei !== "0") faults.push(`balances are off by ${result.balanceErrorWei} wei`);
  if (result.settled * 100 < result.requests * LEAST_SETTLED_PERCENT)
    faults.push(`${result.settled} of ${result.requests} settled, below ${LEAST_SETTLED_PERCENT} %`);
  return faults;
}
