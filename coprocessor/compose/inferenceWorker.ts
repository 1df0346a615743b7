import type { WorkerConfig } from "../config/workerConfig.ts";
import { DEFAULT_CAPABILITY } from "../core/capability.ts";
import { createPinoLog } from "../observe/pinoLog.ts";
import { Closers } from "./closers.ts";
import { openModels } from "./models.ts";
import { backendOf } from "./storage.ts";
import { JOBS_PER_THREAD, startWorker } from "./worker.ts";

/** A worker without a node: it runs models, and has neither keys nor a chain. */
export interface InferenceWorker {
  /** Finishes the jobs under way and closes everything. */
  stop(): Promise<void>;
}

/**
 * Starts a worker on a queue that a node shares with it.
 *
 * @param signal Gives up waiting for a queue that is down.
 * @throws CoprocessorError of whatever part cannot start; what was started before it is closed again.
 */
export async function startInferenceWorker(
  config: WorkerConfig,
  signal: AbortSignal,
): Promise<InferenceWorker> {
  const closers = new Closers();
  const log = createPinoLog(config.logLevel, { service: "sibyl worker" });
  const queues = config.queues ?? { [DEFAULT_CAPABILITY]: JOBS_PER_THREAD * config.inferenceThreads };
  try {
    await startWorker(
      config,
      {
        models: openModels(config, log),
        log,
        queueOptions: {
          backend: backendOf(config.queueUrl),
          namespace: config.queueNamespace,
          secret: config.queueSecret,
          log,
          signal,
        },
        concurrency: queues,
      },
      closers,
    );
  } catch (error) {
    await closers.close(log);
    throw error;
  }
  log.info({ namespace: config.queueNamespace, queues }, "worker started");
  return { stop: () => closers.close(log) };
}
