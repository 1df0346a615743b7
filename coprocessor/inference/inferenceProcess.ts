/**
 * The program of one inference process: tensors in, tensors out, one job at a time over its IPC channel.
 *
 * It imports little, because every process pays for it. It holds no key and no environment, and works in an empty
 * folder. It never outlives its parent: a watchdog thread ends it when the parent is gone or when it outgrows its
 * memory, also while the runtime computes.
 */
import { Worker } from "node:worker_threads";
import {
  type JobMessage,
  OUT_OF_MEMORY_SIGNAL,
  type ProcessFact,
  type ProcessMessage,
  type RawTensor,
  type RuntimeSettings,
} from "./messages.ts";
import { ProcessFailure } from "./processFailure.ts";
import { ProviderFailedError } from "./runtimes/runtime.ts";
import { EntryChangedError, type LoadedModel, SessionCache, SessionTooLargeError } from "./sessionCache.ts";

/** Most bytes of a graph's outputs. What goes on chain is far less; this keeps the pipe and the engine safe. */
const MAX_RESULT_BYTES = 8 * 2 ** 20;
const WATCHDOG_INTERVAL_MS = 50;

const settings = JSON.parse(process.argv[2] as string) as RuntimeSettings;
const sessions = new SessionCache(settings);
/** Whether the runtime can no longer be trusted, so that the process has to be replaced. */
let broken = false;

startWatchdog();
process.on("disconnect", () => process.exit(0));
process.on("message", (message: JobMessage) => {
  // One at a time is the engine's promise, so there is nothing to line up here.
  void answer(message).then((reply) =>
    process.send?.(reply, undefined, {}, () => {
      if (broken) process.exit(1);
    }),
  );
});
process.send?.({ kind: "ready" } satisfies ProcessMessage);

async function answer(message: JobMessage): Promise<ProcessMessage> {
  const { job } = message;
  try {
    const loaded = await sessions.get(message);
    const { signature, fingerprint, loadMs } = loaded;
    const about = { kind: "done", job, signature, runtime: fingerprint, loadMs } as const;
    if (!message.feeds) return { ...about, results: {}, runMs: 0 };
    const startMs = performance.now();
    const values = await compute(loaded, message, message.feeds);
    const runMs = performance.now() - startMs;
    const results: Record<string, RawTensor> = {};
    let bytes = 0;
    for (const [name, raw] of Object.entries(values)) {
      results[name] = { type: raw.type, dims: [...raw.dims], data: raw.data };
      bytes += Array.isArray(raw.data)
        ? raw.data.reduce((sum, text) => sum + text.length, 0)
        : raw.data.byteLength;
    }
    if (bytes > MAX_RESULT_BYTES) {
      return fail(job, "bad-output", `its outputs have ${bytes} bytes, ${MAX_RESULT_BYTES} allowed`);
    }
    return { ...about, results, runMs };
  } catch (error) {
    // WebAssembly that trapped or ran out of memory leaves its heap as it was in the middle of the work.
    broken ||= !(error instanceof Error) || error.name === "RuntimeError";
    const failure = fail(job, factOf(error), error instanceof Error ? error.message : String(error));
    if (error instanceof ProcessFailure) return { ...failure, retry: error.retry };
    return { ...failure, retry: error instanceof EntryChangedError ? "backoff" : "never" };
  }
}

async function compute(
  loaded: LoadedModel,
  { generation, files, fetches }: JobMessage,
  feeds: Record<string, RawTensor>,
): Promise<Record<string, RawTensor>> {
  const { runtime, session } = loaded;
  if (generation) {
    const tokenizer = files[generation.tokenizer];
    if (!tokenizer) throw new ProcessFailure("model-failed", `${generation.tokenizer} was not handed over`);
    // Only now: most models have no tokenizer.
    const { generate } = await import("./generate.ts");
    return generate(loaded, generation, tokenizer, String(feeds.prompt?.data[0]));
  }
  const tensors = Object.entries(feeds).map(([name, { type, data, dims }]) => [
    name,
    new runtime.Tensor(type as "float32", data as Float32Array, dims),
  ]);
  return (await session.run(
    Object.fromEntries(tensors),
    fetches ?? session.outputNames,
  )) as unknown as Record<string, RawTensor>;
}

function factOf(error: unknown): ProcessFact {
  if (error instanceof ProcessFailure) return error.fact;
  if (error instanceof ProviderFailedError) return "provider-failed";
  if (error instanceof SessionTooLargeError || error instanceof RangeError) return "out-of-memory";
  return /bad_alloc|out of memory|failed to allocate/i.test(String(error)) ? "out-of-memory" : "model-failed";
}

function fail(job: number, fact: ProcessFact, message: string) {
  return { kind: "failed", job, fact, retry: "never", message } as const;
}

/**
 * The runtime computes on this process's one JavaScript thread, so nothing here can react while it does; a second
 * thread can. No loop of a graph survives it.
 */
function startWatchdog(): void {
  const source = `
    const { parent, maxMemoryBytes, signal, intervalMs } = require("node:worker_threads").workerData;
    setInterval(() => {
      if (process.ppid !== parent) process.kill(process.pid, "SIGKILL");
      if (process.memoryUsage.rss() > maxMemoryBytes) process.kill(process.pid, signal);
    }, intervalMs);
  `;
  const watchdog = new Worker(source, {
    eval: true,
    execArgv: [],
    workerData: {
      parent: process.ppid,
      maxMemoryBytes: settings.maxMemoryBytes,
      signal: OUT_OF_MEMORY_SIGNAL,
      intervalMs: WATCHDOG_INTERVAL_MS,
    },
  });
  watchdog.on("error", (error) => {
    throw error;
  });
  watchdog.unref();
}
