import { parseUnits } from "viem";
import { z } from "zod";
import type { Prices } from "../core/earnings.ts";
import { list, milliseconds } from "./values.ts";

/** What an operator takes on, what it spends, and how its node lives. All of it may change while the node runs. */
export interface OperationsConfig {
  /** Least fees, and what tokens are worth to us. */
  prices: Prices;
  /** Jobs that the workers of one queue run at the same time, on whichever machines; null is `inferenceThreads`. */
  workerLanes: number | null;
  /** Most jobs of one queue that are taken and have not ended. */
  maxQueuedJobs: number;
  /** Milliseconds kept free before a deadline, beside what agreement and settlement need. */
  admissionMarginMs: number;
  /** Wei that a settlement must earn us after its gas; below 0 is a loss that we bear. */
  minProfitWei: bigint;
  /** Milliseconds that a settlement may wait for others to share a transaction with; 0 takes those that are there. */
  batchWindowMs: number;
  /** Settlements that the attester's balance must pay for, or the node is not ready. */
  lowBalanceSettlements: number;
  /** Milliseconds that what is under way has to finish in when the node is asked to end. */
  drainTimeoutMs: number;
  /** Milliseconds that our clock may be off before the node is not ready. */
  maxClockSkewMs: number;
  /** Days that closed requests and what belongs to them are kept; never less than the registry's unbonding time. */
  retentionDays: number;
}

/** `[model/]token=amount`, where token is `native` or its number in the oracle's list. */
const MIN_FEE = /^(?:(?<model>[a-z0-9-]+)\/)?(?<token>native|\d{1,3})=(?<amount>\d{1,30})$/;
const TOKEN_WEI = /^(?<token>\d{1,3})=(?<wei>\d{1,30}(?:\.\d{1,18})?)$/;

const entries = <T>(pattern: RegExp, shape: string, read: (groups: Record<string, string>) => [string, T]) =>
  list.transform((items, context): ReadonlyMap<string, T> => {
    const wrong = items.find((item) => !pattern.test(item));
    if (wrong === undefined)
      return new Map(items.map((item) => read(pattern.exec(item)?.groups as Record<string, string>)));
    context.addIssue({ code: "custom", message: `must be ${shape}, not ${wrong}` });
    return z.NEVER;
  });

/** Wei, positive or not, that JavaScript's numbers cannot hold. */
const signedWei = z
  .string()
  .regex(/^-?\d{1,30}$/, { message: "must be a whole number of wei" })
  .transform((text) => BigInt(text));

/** This part of the environment; see `environment` in config.ts. */
export const operationsEnvironment = z.object({
  MIN_FEES: entries(
    MIN_FEE,
    "[model/]token=amount, for example native=1000000000 or spam-text/1=500",
    ({ model, token, amount }): [string, bigint] => [
      model === undefined ? (token as string) : `${model}/${token}`,
      BigInt(amount as string),
    ],
  ).prefault(""),
  TOKEN_WEI: entries(
    TOKEN_WEI,
    "token=wei for one unit of it, for example 1=350000000",
    ({ token, wei }): [string, bigint] => [token as string, parseUnits(wei as string, 18)],
  ).prefault(""),
  WORKER_LANES: z.coerce.number().int().min(1).max(10_000).optional(),
  MAX_QUEUED_JOBS: z.coerce.number().int().min(1).max(100_000).default(1_000),
  ADMISSION_MARGIN_MS: milliseconds(500),
  MIN_PROFIT_WEI: signedWei.prefault("0"),
  BATCH_WINDOW_MS: milliseconds(0),
  LOW_BALANCE_SETTLEMENTS: z.coerce.number().int().min(0).max(100_000).default(10),
  DRAIN_TIMEOUT_MS: milliseconds(10_000),
  MAX_CLOCK_SKEW_MS: milliseconds(30_000).pipe(z.number().min(1_000)),
  RETENTION_DAYS: z.coerce.number().min(1).max(3_650).default(30),
});

export function operationsFrom(env: z.output<typeof operationsEnvironment>): OperationsConfig {
  const tokenWeiWad = new Map([...env.TOKEN_WEI].map(([token, wad]) => [Number(token), wad]));
  return {
    prices: { minFees: env.MIN_FEES, tokenWeiWad },
    workerLanes: env.WORKER_LANES ?? null,
    maxQueuedJobs: env.MAX_QUEUED_JOBS,
    admissionMarginMs: env.ADMISSION_MARGIN_MS,
    minProfitWei: env.MIN_PROFIT_WEI,
    batchWindowMs: env.BATCH_WINDOW_MS,
    lowBalanceSettlements: env.LOW_BALANCE_SETTLEMENTS,
    drainTimeoutMs: env.DRAIN_TIMEOUT_MS,
    maxClockSkewMs: env.MAX_CLOCK_SKEW_MS,
    retentionDays: env.RETENTION_DAYS,
  };
}
