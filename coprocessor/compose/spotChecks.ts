import type { Config } from "../config.ts";
import { CoprocessorError } from "../core/errors.ts";
import { WorkerPace } from "../core/workerPace.ts";
import { WorkerTrust } from "../core/workerTrust.ts";
import type { InferenceEngine } from "../inference/port.ts";
import type { AttesterKey } from "../keys/port.ts";
import type { ModelStore } from "../models/port.ts";
import type { Log } from "../observe/port.ts";
import { runJob } from "../pipeline/runJob.ts";
import type { SpotChecks } from "../pipeline/spotCheck.ts";
import type { JobOutcome } from "../queue/port.ts";
import type { Closers } from "./closers.ts";
import { engineOf, INFERENCE_TIMEOUT_MS } from "./worker.ts";

/** Checks workers on behalf of every oracle that the process serves: a worker that was wrong for one is parked for all. */
export type WorkerChecks = Pick<SpotChecks, "trust" | "run">;

/** What workers are checked with: an engine of the node's own, which starts with the first check. None at a share of 0. */
export function openWorkerChecks(
  config: Config,
  { models, log }: { models: ModelStore; log: Log },
  closers: Closers,
): WorkerChecks | null {
  if (config.spotCheckShare === 0) return null;
  const pace = new WorkerPace(config.inferenceThreads);
  let engine: InferenceEngine | null = null;
  closers.add("spot checks", async () => engine?.close());
  return {
    trust: new WorkerTrust(),
    async run(job): Promise<JobOutcome> {
      engine ??= engineOf(config, log);
      const deps = { models, engine, pace, timeoutMs: INFERENCE_TIMEOUT_MS, now: Date.now };
      try {
        return await runJob(deps, job);
      } catch (error) {
        if (!(error instanceof CoprocessorError)) throw error;
        return { status: "failed", code: error.code, message: error.message };
      }
    },
  };
}

/**
 * Which jobs of an oracle are checked.
 *
 * @param of.own The name of the worker in this process, once it runs; null for none.
 */
export async function composeSpotChecks(
  { spotCheckShare: share }: Config,
  of: { checks: WorkerChecks | null; key: AttesterKey; own: () => string | null },
): Promise<SpotChecks | undefined> {
  const { checks, key, own } = of;
  return checks === null ? undefined : { ...checks, share, own, seed: await key.derive("spot checks") };
}
