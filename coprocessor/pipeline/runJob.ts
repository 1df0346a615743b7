import { CoprocessorError } from "../core/errors.ts";
import type { Lateness, WorkerPace } from "../core/workerPace.ts";
import type { InferenceEngine } from "../inference/port.ts";
import type { ModelStore } from "../models/port.ts";
import type { InferenceJob, JobOutcome } from "../queue/port.ts";

export interface RunJobDeps {
  models: ModelStore;
  engine: Pick<InferenceEngine, "run">;
  /** What this worker has learned from its runs. */
  pace: WorkerPace;
  /** Milliseconds that one inference may take, however far the deadline is. */
  timeoutMs: number;
  /** Unix milliseconds. */
  now(): number;
}

/**
 * What a worker does with a job: fetch the model, run it, give the canonical bytes back.
 *
 * What cannot succeed is an outcome with its code; what another try, or another worker, may cure is thrown, for the queue to
 * try again.
 */
export async function runJob(
  { models, engine, pace, timeoutMs, now }: RunJobDeps,
  job: InferenceJob,
): Promise<JobOutcome> {
  try {
    const model = await models.resolve(job.modelId, job.manifestURI);
    // An inference that runs out of time takes its process with it, and the next job pays for a new one.
    refuseLate(job, pace.lateness(job, now()));
    pace.begin(job);
    let runMs: number | null = null;
    try {
      const leftMs = job.deadlineMs - now();
      const result = await engine.run(model, job.input, { timeoutMs: Math.min(leftMs, timeoutMs) });
      runMs = result.runMs / result.runtime.batch;
      return { status: "done", ...result };
    } finally {
      pace.end(job, runMs);
    }
  } catch (error) {
    if (!(error instanceof CoprocessorError) || error.retry === "backoff") throw error;
    return { status: "failed", code: error.code, message: error.message };
  }
}

function refuseLate({ modelId }: InferenceJob, lateness: Lateness | null): void {
  if (lateness === null) return;
  const { neededMs, leftMs } = lateness;
  if (leftMs < 0)
    throw new CoprocessorError(`its deadline passed ${-leftMs} ms before its model was ready`, {
      code: "queue/deadline-passed",
      retry: "never",
    });
  // Another worker may be faster, or have less to do.
  throw new CoprocessorError(
    `${Math.round(leftMs)} ms are left, and this worker needs ${Math.round(neededMs)} ms for its model`,
    { code: "queue/too-slow", retry: "backoff", meta: { modelId, neededMs, leftMs } },
  );
}
