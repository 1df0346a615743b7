import type { WorkerConfig } from "../config/workerConfig.ts";
import { DEFAULT_CAPABILITY } from "../core/capability.ts";
import { createPinoLog } from "../observe/pinoLog.ts";
import { createRegistry, expositionOf } from "../observe/promExposition.ts";
import { startWorkerStatusServer } from "../observe/workerStatusServer.ts";
import { Closers } from "./closers.ts";
import { openModels } from "./models.ts";
import { openTracing } from "./observation.ts";
import { backendOf } from "./storage.ts";
import { thisProcess } from "./thisProcess.ts";
import { VERSION } from "./version.ts";
import { JOBS_PER_THREAD, startWorker } from "./worker.ts";

/** A worker without a node: it runs models, and has neither keys nor a chain. */
export interface InferenceWorker {
  /** Null when nobody is to ask. */
  statusUrl: string | null;
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
  const { host, pid } = thisProcess();
  const about = { service: "sibyl-worker", actor: `${host}/${pid}`, log };
  const tracing = openTracing(config.tracing, about, closers);
  const registry = createRegistry({ version: VERSION, role: "worker" });
  let statusUrl: string | null = null;
  try {
    await startWorker(
      config,
      {
        models: openModels(config, log),
        ...{ log, tracing, registry },
        queueOptions: {
          traced: tracing.on,
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
    if (config.status !== null) {
      const status = await startWorkerStatusServer(
        expositionOf(registry, async () => {}),
        config.status,
      );
      closers.add("status", () => status.close());
      statusUrl = status.url;
    }
  } catch (error) {
    await closers.close(log);
    throw error;
  }
  log.info({ namespace: config.queueNamespace, queues, statusUrl }, "worker started");
  return { statusUrl, stop: () => closers.close(log) };
}
