import type { Hex } from "viem";
import type { RequestKey } from "./request.ts";

/** Weight of the newest run in the moving mean. */
const NEWEST = 0.2;

/** What a job needs here, and what is left until its deadline. */
export interface Lateness {
  neededMs: number;
  leftMs: number;
}

/**
 * How long one worker takes for each model, and what it has under way: tells a job that it cannot finish in time before it
 * has spent that time.
 *
 * Counts as little as it can: a model that has not run here takes nothing, and neither does a job that is running already.
 * So it refuses what is surely late, and lets the rest be tried.
 */
export class WorkerPace {
  readonly #lanes: number;
  readonly #meanMs = new Map<Hex, number>();
  /** Jobs that were begun and have not ended, the first one first. */
  readonly #underWay = new Map<RequestKey, Hex>();

  /** @param lanes Jobs that run at the same time. */
  constructor(lanes: number) {
    this.#lanes = lanes;
  }

  /** Null for a job that can be tried. @param now Unix milliseconds */
  lateness(job: { modelId: Hex; deadlineMs: number }, now: number): Lateness | null {
    const waiting = [...this.#underWay.values()].slice(this.#lanes);
    const aheadMs = waiting.reduce((sum, modelId) => sum + this.meanMs(modelId), 0) / this.#lanes;
    const neededMs = aheadMs + this.meanMs(job.modelId);
    const leftMs = job.deadlineMs - now;
    return leftMs < neededMs ? { neededMs, leftMs } : null;
  }

  begin({ key, modelId }: { key: RequestKey; modelId: Hex }): void {
    this.#underWay.set(key, modelId);
  }

  /** @param runMs How long it ran, divided by the jobs that ran with it; null when it did not. */
  end({ key, modelId }: { key: RequestKey; modelId: Hex }, runMs: number | null): void {
    this.#underWay.delete(key);
    if (runMs === null) return;
    const known = this.#meanMs.get(modelId);
    this.#meanMs.set(modelId, known === undefined ? runMs : known + NEWEST * (runMs - known));
  }

  /** Milliseconds that a job of a model takes; 0 when none has run here. */
  meanMs(modelId: Hex): number {
    return this.#meanMs.get(modelId) ?? 0;
  }
}
