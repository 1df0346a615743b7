import { CoprocessorError } from "../core/errors.ts";
import type { InferenceEngine } from "../inference/port.ts";
import type { ModelStore } from "../models/port.ts";
import type { InferenceJob, JobOutcome } from "../queue/port.ts";

export interface RunJobDeps {
  models: ModelStore;
  engine: Pick<InferenceEngine, "run">;
  /** Milliseconds that one inference may take, however far the deadline is. */
  timeoutMs: number;
  /** Unix milliseconds. */
  now(): number;
}

const tooLate = (lateMs: number) => ({
  code: "queue/deadline-passed",
  message: `its deadline passed ${lateMs} ms before its model was ready`,
});

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
    const leftMs = job.deadlineMs - now();
    // An inference that runs out of time takes its process with it, and the next job pays for a new one.
    if (leftMs <= 0) return { status: "failed", ...tooLate(-leftMs) };
    const result = await engine.run(model, job.input, { timeoutMs: Math.min(leftMs, timeoutMs) });
    return { status: "done", ...result };
  } catch (error) {
    if (!(error instanceof CoprocessorError) || error.retry === "backoff") throw error;
    return { status: "failed", code: error.code, message: error.message };
  }
}
