import type { Hex } from "viem";

/** Weight of the newest run in the moving mean. */
const NEWEST = 0.2;
/** What a job is presumed to take whose model has not run here yet: small models take less, loading one takes more. */
const PRESUMED_MS = 1_000;
/** After this long without a run, half of what lies above the fastest run seen is forgotten. */
const HALF_LIFE_MS = 60_000;
/** Below this, a clock's resolution and the queue count for more than the model. */
const LEAST_MS = 1;

interface Estimate {
  meanMs: number;
  deviationMs: number;
  fastestMs: number;
  observedAt: number;
}

/**
 * How long one job of a model keeps a worker's lane busy, told from the runs that ended.
 *
 * Kept for each model and provider: the mean plus twice the mean deviation, both moving. One cold or unlucky run makes an
 * estimate high, and a high estimate keeps further runs from being taken, so without news it sinks towards the fastest
 * run. Of several providers that run one model the slowest counts, because any of them may take the next job.
 */
export class ServiceTimes {
  readonly #estimates = new Map<Hex, Map<string, Estimate>>();

  /** @param ms A run's time divided by the jobs that ran together. @param now Unix milliseconds */
  observe(modelId: Hex, provider: string, ms: number, now: number): void {
    const ofModel = this.#estimates.get(modelId) ?? new Map<string, Estimate>();
    this.#estimates.set(modelId, ofModel);
    const known = ofModel.get(provider);
    if (known === undefined) {
      ofModel.set(provider, { meanMs: ms, deviationMs: ms / 2, fastestMs: ms, observedAt: now });
      return;
    }
    const off = Math.abs(ms - known.meanMs);
    ofModel.set(provider, {
      meanMs: known.meanMs + NEWEST * (ms - known.meanMs),
      deviationMs: known.deviationMs + NEWEST * (off - known.deviationMs),
      fastestMs: Math.min(known.fastestMs, ms),
      observedAt: now,
    });
  }

  /** Milliseconds that the next job of a model should be counted with. */
  expectedMs(modelId: Hex, now: number): number {
    const ofModel = [...(this.#estimates.get(modelId)?.values() ?? [])];
    return ofModel.length === 0 ? PRESUMED_MS : Math.max(...ofModel.map((one) => relaxed(one, now)));
  }

  /** For people: what is known, by model and provider. */
  list(now: number): { modelId: Hex; provider: string; expectedMs: number }[] {
    return [...this.#estimates].flatMap(([modelId, ofModel]) =>
      [...ofModel].map(([provider, one]) => ({ modelId, provider, expectedMs: relaxed(one, now) })),
    );
  }
}

function relaxed({ meanMs, deviationMs, fastestMs, observedAt }: Estimate, now: number): number {
  const age = Math.max(0, now - observedAt);
  const above = Math.max(0, meanMs + 2 * deviationMs - fastestMs);
  return Math.max(LEAST_MS, fastestMs + above * 2 ** (-age / HALF_LIFE_MS));
}
