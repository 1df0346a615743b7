import { requestIdIn } from "../core/request.ts";
import type { InferenceResult } from "../inference/port.ts";
import type { Log, Tracing, WorkMetrics } from "../observe/port.ts";
import { type RunJobDeps, runJob } from "../pipeline/runJob.ts";
import type { InferenceJob, JobOutcome } from "../queue/port.ts";

export interface JobObservers {
  log: Log;
  tracing: Tracing;
  metrics: WorkMetrics;
}

/**
 * Runs jobs, and says of each what it took: in a line of the log, in the metrics, and in its request's trace, where fetching
 * the model and running it are spans of their own.
 */
export function observedJobs(
  deps: RunJobDeps,
  { log, tracing, metrics }: JobObservers,
): (job: InferenceJob) => Promise<JobOutcome> {
  return async (job) => {
    const { key, modelId } = job;
    const facts = { requestId: requestIdIn(key) ?? undefined, key, modelId };
    let modelName: string | null = null;
    let result: InferenceResult | null = null;
    const models: RunJobDeps["models"] = {
      manifest: (id, uri) => deps.models.manifest(id, uri),
      resolve: (id, uri) =>
        tracing.span("model", { "sibyl.model.id": id }, async (note) => {
          const model = await deps.models.resolve(id, uri);
          modelName = model.manifest.name;
          note({ "sibyl.model.name": modelName });
          return model;
        }),
    };
    const engine: RunJobDeps["engine"] = {
      run: (model, input, limits) =>
        tracing.span("inference", { "sibyl.model.id": model.modelId }, async (note) => {
          result = await deps.engine.run(model, input, limits);
          const { runtime, loadMs, runMs } = result;
          note({
            "sibyl.inference.batch_size": runtime.batch,
            "sibyl.inference.load_ms": loadMs,
            "sibyl.inference.run_ms": runMs,
            "sibyl.inference.runtime": `${runtime.library} ${runtime.version} ${runtime.used.join("+")}`,
          });
          return result;
        }),
    };
    const tell = (outcome: "done" | "failed") => {
      const run = result === null ? null : runOf(result);
      metrics.worked({ modelId, modelName, outcome, run });
      return run;
    };
    metrics.running(1);
    log.debug(facts, "job taken");
    try {
      const outcome = await runJob({ ...deps, models, engine }, job);
      const run = tell(outcome.status);
      // What failed, the consumer says, which also knows the attempt.
      if (outcome.status === "done") log.info({ ...facts, ...run }, "job done");
      return outcome;
    } catch (error) {
      tell("failed");
      throw error;
    } finally {
      metrics.running(-1);
    }
  };
}

const runOf = ({ loadMs, runMs, runtime }: InferenceResult) => ({ loadMs, runMs, batch: runtime.batch });
