import { randomBytes } from "node:crypto";
import type { Hex } from "viem";
import type { WorkConfig } from "../config/workConfig.ts";
import type { Config } from "../config.ts";
import { capabilitiesOf } from "../core/capability.ts";
import { WorkerPace } from "../core/workerPace.ts";
import { createOnnxEngine } from "../inference/onnxEngine.ts";
import type { InferenceEngine } from "../inference/port.ts";
import type { ModelStore } from "../models/port.ts";
import type { Log, Tracing } from "../observe/port.ts";
import type { MetricsRegistry } from "../observe/promExposition.ts";
import { createWorkMetrics } from "../observe/promWorkMetrics.ts";
import type { BullmqOptions } from "../queue/bullmqBackend.ts";
import { type BullmqConsumerOptions, createBullmqConsumer } from "../queue/bullmqConsumer.ts";
import type { Closers } from "./closers.ts";
import { observedJobs } from "./observedJobs.ts";
import { thisProcess } from "./thisProcess.ts";

/** Milliseconds that one inference may take. */
export const INFERENCE_TIMEOUT_MS = 60_000;
/** Jobs that a worker holds per inference thread: one runs while the next ones' models and inputs are made ready. */
export const JOBS_PER_THREAD = 4;

/**
 * Takes jobs from the queue and runs their models, in child processes of this one.
 *
 * @param parts.concurrency Jobs that are held at the same time, by capability.
 */
export async function startWorker(
  config: WorkConfig,
  parts: {
    models: ModelStore;
    log: Log;
    tracing: Tracing;
    registry: MetricsRegistry;
    queueOptions: BullmqOptions;
    concurrency: BullmqConsumerOptions["concurrency"];
  },
  closers: Closers,
): Promise<RunningWorker> {
  const { models, concurrency } = parts;
  const engine = engineOf(config, parts.log);
  closers.add("inference", () => engine.close());
  const { host, pid } = thisProcess();
  const name = `${host}-${pid}-${randomBytes(4).toString("hex")}`;
  const consumer = await createBullmqConsumer({ ...parts.queueOptions, concurrency, name });
  closers.add("worker", () => consumer.close());
  const pace = new WorkerPace(config.inferenceThreads);
  const { log, tracing, registry } = parts;
  const metrics = createWorkMetrics(registry, () => engine.residentBytes());
  await consumer.run(
    observedJobs(
      { models, engine, pace, timeoutMs: INFERENCE_TIMEOUT_MS, now: Date.now },
      { log, tracing, metrics },
    ),
  );
  const warm = (modelIds: readonly Hex[]) => {
    for (const modelId of modelIds) void warmUp(modelId, { ...parts, engine });
  };
  warm(config.warmModels);
  return { name, warm };
}

/** The runtime as it is configured. */
export function engineOf(config: WorkConfig, log: Log): InferenceEngine {
  const { inferenceMemoryBytes } = config;
  return createOnnxEngine({
    threads: config.inferenceThreads,
    intraOpThreads: config.intraOpThreads,
    optimisation: config.optimisation,
    providers: config.providers,
    ...(inferenceMemoryBytes === null ? {} : { maxSessionBytes: inferenceMemoryBytes }),
    log,
  });
}

/** Starts a worker beside a node, which takes jobs of every capability. */
export function startEmbeddedWorker(
  config: Config,
  parts: Omit<Parameters<typeof startWorker>[1], "concurrency">,
  closers: Closers,
): Promise<RunningWorker> {
  const jobs = JOBS_PER_THREAD * config.inferenceThreads;
  const concurrency = Object.fromEntries(capabilitiesOf(config.capabilities).map((name) => [name, jobs]));
  return startWorker(config, { ...parts, concurrency }, closers);
}

/** A worker in this process. */
export interface RunningWorker {
  /** What it calls itself. */
  readonly name: string;
  /** Loads models ahead of their first jobs; failures are logged. */
  warm(modelIds: readonly Hex[]): void;
}

/** Loads a model that the operator names, from a folder, the cache or a mirror. Without it the first job does. */
async function warmUp(
  modelId: Hex,
  { models, engine, log }: { models: ModelStore; engine: InferenceEngine; log: Log },
): Promise<void> {
  try {
    await engine.warm(await models.resolve(modelId, ""), { timeoutMs: INFERENCE_TIMEOUT_MS });
    log.info({ modelId }, "model loaded ahead of its first job");
  } catch (error) {
    log.warn({ err: error, modelId }, "a model could not be loaded ahead; its first job will try again");
  }
}
