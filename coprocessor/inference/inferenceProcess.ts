/**
 * The program of one inference process: requests' bytes in, answers' bytes out, one frame at a time over its pipe.
 *
 * It imports little, because every process pays for it. It holds no key and no environment, and works in an empty
 * folder. It never outlives its parent: it ends with its pipe, and a watchdog thread ends it when the parent is gone or
 * when it outgrows its memory, also while the runtime computes.
 *
 * It waits for the next frame inside the system's read, and not in Node's loop: waking up is half of what a small model
 * costs.
 */
import { readSync, writeSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { Worker } from "node:worker_threads";
import type { Tensor } from "onnxruntime-node";
import { encodeFrame, type Frame, FrameReader, Heads } from "./frames.ts";
import {
  type ModelEntry,
  OUT_OF_MEMORY_SIGNAL,
  PIPE,
  type ProcessMessage,
  type RawTensor,
  type RowEnding,
  type RuntimeSettings,
} from "./messages.ts";
import { once } from "./once.ts";
import { failureOf, ProcessFailure } from "./processFailure.ts";
import { encodeRows } from "./rowParts.ts";
import { fileOf, type Run, runRows } from "./runRows.ts";
import { type LoadedModel, SessionCache } from "./sessionCache.ts";

const WATCHDOG_INTERVAL_MS = 50;
const READ_BYTES = 2 ** 16;
/** Most models have no tokenizer. */
const generator = once(() => import("./generate.ts"));
/** How long the loop of Node may stand still under load. */
const TURN_INTERVAL_MS = 5;

const settings = JSON.parse(process.argv[2] as string) as RuntimeSettings;
const sessions = new SessionCache(settings);
const entries = new Heads<ModelEntry>();
const reader = new FrameReader();
const piece = Buffer.allocUnsafeSlow(READ_BYTES);
/** Where frames are made; each is written before the next one. */
const written = Buffer.allocUnsafeSlow(READ_BYTES);
const NO_HEAD = Buffer.alloc(0);
/** Whether the runtime can no longer be trusted, so that the process has to be replaced. */
let broken = false;
let turnedMs = performance.now();

// V8 looks at its main thread alone, and would keep a heap of a dozen megabytes so small that its helpers mark it eight times a
// second while a text is generated. Four times what lives is the most that it lets a large heap have.
setFlagsFromString("--heap-growing-percent=300");
startWatchdog();
say(NO_HEAD, { kind: "ready" });
for (;;) {
  for (const frame of nextFrames()) await answer(frame);
  // Now that nobody waits for the answer.
  await turnWhenDue();
}

/**
 * Lets the loop of Node go round: what the runtime's and the engine's own threads have left to this one, and the release of
 * results that are no longer needed. A turn takes as long as a few requests of a small model, so not after each.
 */
async function turnWhenDue(): Promise<void> {
  if (performance.now() - turnedMs < TURN_INTERVAL_MS) return;
  await setImmediate();
  turnedMs = performance.now();
}

/** Waits for them. The engine's end of the pipe closes when there are no more. */
function nextFrames(): Frame[] {
  const waitsMs = performance.now();
  const bytes = readSync(PIPE, piece, 0, READ_BYTES, null);
  if (bytes === 0) process.exit(0);
  // Before it waited the loop had its turn, and nothing has come since.
  turnedMs += performance.now() - waitsMs;
  return reader.push(piece.subarray(0, bytes));
}

function say(head: Buffer, message: ProcessMessage, rows: readonly RowEnding[] = []): void {
  const parts = message.kind === "done" ? encodeRows(rows) : [];
  const frame = encodeFrame(head, [Buffer.from(JSON.stringify(message)), ...parts], written);
  for (let at = 0; at < frame.length; ) at += writeSync(PIPE, frame, at);
}

async function answer({ head, parts }: Frame): Promise<void> {
  const entry = entries.parse(head);
  try {
    const loaded = await sessions.get(entry);
    const { loadMs, task, together } = loaded;
    const rows = await runRows({ entry, task, together }, parts, runOf(loaded, entry));
    say(loaded.fingerprintText, { kind: "done", loadMs, isLast: broken }, rows);
  } catch (error) {
    judge(error);
    say(NO_HEAD, { kind: "failed", ...failureOf(error, entry), isLast: broken });
  }
  if (broken) process.exit(1);
}

/** WebAssembly that trapped or ran out of memory leaves its heap as it was in the middle of the work. */
function judge(error: unknown): void {
  broken ||= !(error instanceof Error) || error.name === "RuntimeError";
}

function runOf(loaded: LoadedModel, entry: ModelEntry): Run {
  const { runtime, session } = loaded;
  return async (feeds, { fetches, generation }) => {
    if (broken) {
      throw new ProcessFailure("model-failed", "the runtime broke down under another request", "backoff");
    }
    try {
      if (generation) {
        const { generate } = await generator();
        return await generate(
          loaded,
          generation,
          fileOf(entry, generation.tokenizer),
          String(feeds.prompt?.data[0]),
        );
      }
      await turnWhenDue();
      const tensors: Record<string, Tensor> = {};
      for (const name in feeds) {
        const { type, data, dims } = feeds[name] as RawTensor;
        tensors[name] = new runtime.Tensor(type as "float32", data as Float32Array, dims);
      }
      return (await runtime.run(session, tensors, fetches)) as Record<string, RawTensor>;
    } catch (error) {
      judge(error);
      throw error;
    }
  };
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
