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
  type ProcessMessage,
  type RawTensor,
  type RuntimeSettings,
} from "./messages.ts";
import { failureOf, ProcessFailure } from "./processFailure.ts";
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
    const { rows, work } = message;
    if (rows && work) {
      // Only now: most models take tensors.
      const { runRows } = await import("./runRows.ts");
      const endings = await runRows({ rows, work }, message, (feeds, fetches) =>
        infer(loaded, feeds, fetches),
      );
      return checked({ ...about, results: {}, runMs: 0, rows: endings });
    }
    if (!message.feeds) return { ...about, results: {}, runMs: 0 };
    const startMs = performance.now();
    const values = await compute(loaded, message, message.feeds);
    const runMs = performance.now() - startMs;
    return checked({ ...about, results: values, runMs });
  } catch (error) {
    judge(error);
    const failure = failureOf(error);
    if (error instanceof ProviderFailedError) failure.fact = "provider-failed";
    if (error instanceof SessionTooLargeError) failure.fact = "out-of-memory";
    if (error instanceof EntryChangedError) failure.retry = "backoff";
    return { kind: "failed", job, ...failure };
  }
}

/** What fits through the pipe. */
function checked(answer: Extract<ProcessMessage, { kind: "done" }>): ProcessMessage {
  const parts = answer.rows?.flatMap((row) => (row.kind === "done" ? [row.results] : [])) ?? [answer.results];
  const bytes = parts.flatMap(Object.values<RawTensor>).reduce((sum, { data }) => sum + bytesOf(data), 0);
  if (bytes <= MAX_RESULT_BYTES) return answer;
  const message = `its outputs have ${bytes} bytes, ${MAX_RESULT_BYTES} allowed`;
  return { kind: "failed", job: answer.job, fact: "bad-output", retry: "never", message };
}

const bytesOf = (data: RawTensor["data"]): number =>
  Array.isArray(data) ? data.reduce((sum, text) => sum + text.length, 0) : data.byteLength;

async function compute(
  loaded: LoadedModel,
  { generation, files, fetches }: JobMessage,
  feeds: Record<string, RawTensor>,
): Promise<Record<string, RawTensor>> {
  if (generation) {
    const tokenizer = files[generation.tokenizer];
    if (!tokenizer) throw new ProcessFailure("model-failed", `${generation.tokenizer} was not handed over`);
    // Only now: most models have no tokenizer.
    const { generate } = await import("./generate.ts");
    return generate(loaded, generation, tokenizer, String(feeds.prompt?.data[0]));
  }
  return infer(loaded, feeds, fetches);
}

/** WebAssembly that trapped or ran out of memory leaves its heap as it was in the middle of the work. */
function judge(error: unknown): void {
  broken ||= !(error instanceof Error) || error.name === "RuntimeError";
}

/** Runs the graph once. */
async function infer(
  { runtime, session }: LoadedModel,
  feeds: Record<string, RawTensor>,
  fetches: readonly string[] = session.outputNames,
): Promise<Record<string, RawTensor>> {
  const tensors = Object.entries(feeds).map(([name, { type, data, dims }]) => [
    name,
    new runtime.Tensor(type as "float32", data as Float32Array, dims),
  ]);
  try {
    const results = await session.run(Object.fromEntries(tensors), fetches);
    // The runtime's tensors have methods, which do not go through the pipe.
    return Object.fromEntries(
      Object.entries(results).map(([name, raw]) => {
        const { type, dims, data } = raw as RawTensor;
        return [name, { type, dims: [...dims], data }];
      }),
    );
  } catch (error) {
    judge(error);
    throw error;
  }
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
