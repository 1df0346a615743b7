import { CoprocessorError } from "../core/errors.ts";
import type { InferenceEngine } from "../inference/port.ts";
import type { ModelStore } from "../models/port.ts";
import type { InferenceJob, JobOutcome } from "../queue/port.ts";

export interface RunJobDeps {
  models: ModelStore;
  engine: InferenceEngine;
  /** Milliseconds that one inference may take, however far the deadline is. */
  timeoutMs: number;
  /** Unix milliseconds. */
  now(): number;
}

/**
 * What a worker does with a job: fetch the model, run it, give the canonical bytes back.
 *
 * What cannot succeed is an outcome with its code; what another try may cure is thrown, for the queue to try again.
 */
export async function runJob(
  { models, engine, timeoutMs, now }: RunJobDeps,
  job: InferenceJob,
): Promise<JobOutcome> {
  try {
    const model = await models.resolve(job.modelId, job.manifestURI);
    const leftMs = Math.max(1, job.deadlineMs - now());
    const result = await engine.run(model, job.input, { timeoutMs: Math.min(leftMs, timeoutMs) });
    return { status: "done", ...result };
  } catch (error) {
    if (!(error instanceof CoprocessorError) || error.retry === "backoff") throw error;
    return { status: "failed", code: error.code, message: error.message };
  }
}
