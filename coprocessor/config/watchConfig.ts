import type { Hex } from "viem";
import { z } from "zod";
import { modelIds } from "./values.ts";

/** How much of what others propose is looked at again. */
export interface WatchConfig {
  /** 0 to 1; null is the role's own default. */
  share: number | null;
  /** Ids of the models to watch; null is the role's own default. */
  models: Hex[] | null;
  /** Most second looks in the queue at once. */
  maxRunning: number;
  /** Milliseconds before a window's end at which it is too late to begin, or to challenge. */
  marginMs: number;
}

/**
 * What an operator watches if it does not say: a tenth of what it did not sign, which costs it a tenth of a run a
 * request. With twenty others at it, a wrong answer goes unseen in 0.9^20, an eighth of the cases, and its signers can lose
 * a fifth of their stakes each time.
 */
export const NODE_WATCH_SHARE = 0.1;
/** Who runs a watcher does it to watch. */
export const WATCHER_WATCH_SHARE = 1;

export const watchEnvironment = z.object({
  WATCH_SHARE: z.coerce.number().min(0).max(1).optional(),
  WATCH_MODELS: modelIds.optional(),
  WATCH_RUNS: z.coerce.number().int().min(1).max(1_000).default(4),
  WATCH_MARGIN_MS: z.coerce.number().int().min(1_000).max(3_600_000).default(30_000),
});

export const watchConfigOf = (env: z.output<typeof watchEnvironment>): WatchConfig => ({
  share: env.WATCH_SHARE ?? null,
  models: env.WATCH_MODELS ?? null,
  maxRunning: env.WATCH_RUNS,
  marginMs: env.WATCH_MARGIN_MS,
});
