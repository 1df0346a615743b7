import type { OutboxEntry } from "./outbox.ts";

/** What a transaction that concludes a request brings the operator that sends it. */
export interface Takings {
  /** Our share of the fee, in wei as we value its token. */
  shareWei: bigint;
  /** Wei that the request still holds for gas. */
  reserveWei: bigint;
  /** Wei per gas that the request repays at most. */
  maxGasPrice: bigint;
  /** After this nothing is brought in any more; our clock, Unix milliseconds. */
  deadlineMs: number;
}

/** Milliseconds before a deadline from which on our share of the fee is spent on gas. Before, a price may still fall. */
export const LAST_CHANCE_MS = 60_000;

/**
 * The highest gas price at which a transaction still earns us `minProfitWei`; null when no price does.
 *
 * The oracle repays a signer what it used, at the transaction's price up to the request's own, and not more than the
 * reserve (`Concluding.sol`). Up to there the price makes no difference to us; above, our share pays the rest.
 *
 * @param gas That it will use, not its limit.
 */
export function breakEvenGasPrice(takings: Takings, gas: bigint, minProfitWei: bigint): bigint | null {
  const { shareWei, reserveWei, maxGasPrice } = takings;
  if (shareWei < minProfitWei) return null;
  const repayable = min(reserveWei, gas * maxGasPrice);
  return (shareWei + repayable - minProfitWei) / gas;
}

/**
 * Wei per gas to bid at most for a transaction now.
 *
 * Until `LAST_CHANCE_MS` before the deadline only what is repaid is spent; then up to the break-even price.
 */
export function bidCeiling(takings: Takings, gas: bigint, minProfitWei: bigint, now: number): bigint | null {
  const breakEven = breakEvenGasPrice(takings, gas, minProfitWei);
  if (breakEven === null || takings.deadlineMs - now <= LAST_CHANCE_MS) return breakEven;
  return min(breakEven, takings.maxGasPrice);
}

/** Calldata of a settlement whose output surely has no more than the 1 KiB that `SettlementGas.reserve` is an upper bound for. */
const MOST_RESERVED_BYTES = 1_024;

/**
 * Gas that a settlement uses at most, where nothing more has to be known of it; null where its exact use matters.
 *
 * Up to the request's own price whatever it uses is repaid, because the reserve was made for the most that it can use, and no
 * more than that price is bid before the last chance.
 *
 * @param gasPrice Wei per gas that a transaction has to bid at least now.
 */
export function repaidGas(
  takings: Takings,
  calldataBytes: number,
  gasPrice: bigint,
  now: number,
): bigint | null {
  const { reserveWei, maxGasPrice, deadlineMs } = takings;
  if (maxGasPrice === 0n || gasPrice > maxGasPrice || calldataBytes > MOST_RESERVED_BYTES) return null;
  return deadlineMs - now > LAST_CHANCE_MS ? reserveWei / maxGasPrice : null;
}

/** Why a settlement is held back at this gas price, for people. */
export function stopLossReason(
  takings: Takings,
  gas: bigint,
  gasPrice: bigint,
  minProfitWei: bigint,
): string {
  const { shareWei, reserveWei, maxGasPrice } = takings;
  const cost = gas * gasPrice;
  const repaid = min(reserveWei, gas * min(gasPrice, maxGasPrice));
  const asked = minProfitWei === 0n ? "" : `; this operator asks for ${minProfitWei} wei more`;
  return (
    `settlement/costs-more-than-it-pays: ${gas} gas at ${gasPrice} wei cost ${cost} wei, ` +
    `of which ${repaid} are repaid, and our share is ${shareWei}${asked}`
  );
}

/** Limits of one transaction that settles several requests. */
export interface BatchRules {
  /** Milliseconds that a settlement may wait for others; 0 takes those that are due together. */
  windowMs: number;
  maxItems: number;
  /** Gas limit of a batch; transactions above 2^24 gas are refused by the network (EIP-7825). */
  maxGas: bigint;
}

export const BATCH_LIMITS = { maxItems: 16, maxGas: 12_000_000n };

/** Gas that a batch needs beside its items'. */
const BATCH_BASE_GAS = 60_000n;

/** Gas limit of a batch. */
export const batchGas = (items: readonly { gas: bigint }[]): bigint =>
  items.reduce((sum, { gas }) => sum + gas, BATCH_BASE_GAS);

/** Settlements that are due, in groups: a group of one goes alone. Those in `waiting` may still find company. */
export interface Grouping<T> {
  groups: T[][];
  waiting: T[];
  /** When `waiting` is due, Unix milliseconds. */
  untilMs: number;
}

/**
 * Groups settlements that are due now so that fewer transactions bring them.
 *
 * Each item of a batch spares its own 21,000 gas and costs about 1,000 instead (`SettlementGas.batchShare`, calldata), so
 * two are cheaper together than apart. Nobody waits for company longer than the window since it was planned.
 */
export function groupDue<T extends Pick<OutboxEntry, "gas" | "createdAt">>(
  due: readonly T[],
  rules: BatchRules,
  now: number,
): Grouping<T> {
  const groups: T[][] = [];
  let group: T[] = [];
  let gas = BATCH_BASE_GAS;
  for (const item of due.toSorted((a, b) => a.createdAt - b.createdAt)) {
    if (group.length > 0 && (group.length === rules.maxItems || gas + item.gas > rules.maxGas)) {
      groups.push(group);
      [group, gas] = [[], BATCH_BASE_GAS];
    }
    group.push(item);
    gas += item.gas;
  }
  const [oldest] = group;
  if (oldest === undefined) return { groups, waiting: [], untilMs: Number.POSITIVE_INFINITY };
  const untilMs = oldest.createdAt + rules.windowMs;
  // A full group need not wait; this last one is not full.
  if (untilMs > now && group.length < rules.maxItems) return { groups, waiting: group, untilMs };
  return { groups: [...groups, group], waiting: [], untilMs: Number.POSITIVE_INFINITY };
}

/** How an account stands against what the next settlements cost. */
export interface BalanceStanding {
  low: boolean;
  /** Wei below which the alarm is raised. */
  thresholdWei: bigint;
}

/** Gas of a settlement when none was sent yet: three signatures and a small callback. */
export const TYPICAL_SETTLEMENT_GAS = 150_000n;

/**
 * Whether the account can pay for the settlements to come.
 *
 * @param settlements How many it should pay for.
 * @param gasPrice Wei per gas that a transaction bids at most now.
 */
export function balanceStanding(
  balanceWei: bigint,
  settlements: number,
  gasPerSettlement: bigint,
  gasPrice: bigint,
): BalanceStanding {
  const thresholdWei = BigInt(settlements) * gasPerSettlement * gasPrice;
  return { low: balanceWei < thresholdWei, thresholdWei };
}

const min = (a: bigint, b: bigint): bigint => (a < b ? a : b);
