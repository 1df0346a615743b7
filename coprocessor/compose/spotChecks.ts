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

/**
 * What the node checks its workers with: an engine of its own, which starts with the first check. None at a share of 0.
 *
 * @param of.own The name of the worker in this process, once it runs; null for none.
 */
export async function composeSpotChecks(
  config: Config,
  of: { models: ModelStore; key: AttesterKey; own: () => string | null; log: Log },
  closers: Closers,
): Promise<SpotChecks | undefined> {
  const { spotCheckShare: share } = config;
  if (share === 0) return undefined;
  const pace = new WorkerPace(config.inferenceThreads);
  let engine: InferenceEngine | null = null;
  closers.add("spot checks", async () => engine?.close());
  return {
    share,
    seed: await of.key.derive("spot checks"),
    own: of.own,
    trust: new WorkerTrust(),
    async run(job): Promise<JobOutcome> {
      engine ??= engineOf(config, of.log);
      const deps = { models: of.models, engine, pace, timeoutMs: INFERENCE_TIMEOUT_MS, now: Date.now };
      try {
        return await runJob(deps, job);
      } catch (error) {
        if (!(error instanceof CoprocessorError)) throw error;
        return { status: "failed", code: error.code, message: error.message };
      }
    },
  };
}
