import type { Hex } from "viem";
import type { WorkConfig } from "../config/workConfig.ts";
import type { Config } from "../config.ts";
import { capabilitiesOf } from "../core/capability.ts";
import { createOnnxEngine } from "../inference/onnxEngine.ts";
import type { InferenceEngine } from "../inference/port.ts";
import type { ModelStore } from "../models/port.ts";
import type { Log } from "../observe/port.ts";
import { runJob } from "../pipeline/runJob.ts";
import type { BullmqOptions } from "../queue/bullmqBackend.ts";
import { type BullmqConsumerOptions, createBullmqConsumer } from "../queue/bullmqConsumer.ts";
import type { Closers } from "./closers.ts";

/** Milliseconds that one inference may take. */
const INFERENCE_TIMEOUT_MS = 60_000;
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
    queueOptions: BullmqOptions;
    concurrency: BullmqConsumerOptions["concurrency"];
  },
  closers: Closers,
): Promise<RunningWorker> {
  const { inferenceMemoryBytes } = config;
  const engine = createOnnxEngine({
    threads: config.inferenceThreads,
    intraOpThreads: config.intraOpThreads,
    optimisation: config.optimisation,
    providers: config.providers,
    ...(inferenceMemoryBytes === null ? {} : { maxSessionBytes: inferenceMemoryBytes }),
    log: parts.log,
  });
  closers.add("inference", () => engine.close());
  const consumer = await createBullmqConsumer({ ...parts.queueOptions, concurrency: parts.concurrency });
  closers.add("worker", () => consumer.close());
  await consumer.run((job) =>
    runJob({ models: parts.models, engine, timeoutMs: INFERENCE_TIMEOUT_MS, now: Date.now }, job),
  );
  const warm = (modelIds: readonly Hex[]) => {
    for (const modelId of modelIds) void warmUp(modelId, { ...parts, engine });
  };
  warm(config.warmModels);
  return { warm };
}

/** Starts a worker beside a node, which takes jobs of every capability. */
export function startEmbeddedWorker(
  config: Config,
  parts: { models: ModelStore; log: Log; queueOptions: BullmqOptions },
  closers: Closers,
): Promise<RunningWorker> {
  const jobs = JOBS_PER_THREAD * config.inferenceThreads;
  const concurrency = Object.fromEntries(capabilitiesOf(config.capabilities).map((name) => [name, jobs]));
  return startWorker(config, { ...parts, concurrency }, closers);
}

/** A worker in this process. */
export interface RunningWorker {
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
