import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { type ModelManifest, SibylError } from "@sibyl/sdk";
import { type Hex, isHex, size } from "viem";
import type { ResolvedModel } from "../core/model.ts";
import { chooseProvider, type ProviderChoice } from "../core/providerChoice.ts";
import type { Log } from "../observe/port.ts";
import type { Exit } from "./childProcess.ts";
import { inferenceError, reasonOf } from "./inferenceError.ts";
import { type JobEnding, JobLine } from "./jobLine.ts";
import {
  type GraphSignature,
  type JobMessage,
  OUT_OF_MEMORY_SIGNAL,
  type ProcessMessage,
  type RuntimeSettings,
} from "./messages.ts";
import type { InferenceEngine, InferenceResult } from "./port.ts";
import type { SlotJob } from "./slot.ts";
import type { Task } from "./tasks/task.ts";
import { taskOf } from "./tasks/taskOf.ts";

export interface OnnxEngineOptions {
  /** Jobs that run at the same time, each in a process of its own. */
  threads: number;
  log: Log;
  /** Threads inside one operator of a graph; 1 when left out. Part of the fingerprint. */
  intraOpThreads?: number;
  /** Graph optimisation level; "all" when left out. Part of the fingerprint. */
  optimisation?: RuntimeSettings["optimisation"];
  /** Where models run; all on the CPU when left out. Part of the fingerprint, with what is really used. */
  providers?: ProviderChoice;
  /** Models that one process keeps loaded; 8 when left out. */
  maxSessions?: number;
  /** Bytes that all processes' loaded models may take together; half of the machine's memory when left out. */
  maxSessionBytes?: number;
  /** Resident bytes at which a process is ended; three quarters of the machine's memory when left out. */
  maxMemoryBytes?: number;
}

/** Most bytes of an output: it has to fit a transaction, with the attestations beside it. */
const MAX_OUTPUT_BYTES = 96 * 1024;
/** Tasks are small, but anybody can publish a model; so many stay in memory. */
const MAX_TASKS = 1_000;

type Answer = Extract<ProcessMessage, { kind: "done" }>;

/**
 * Runs models with ONNX Runtime, native or in WebAssembly, in child processes.
 *
 * Processes and not worker threads, because the runtime computes synchronously in native code: terminating a thread
 * waits until the graph is through, for ever if it loops, and a native fault or an allocation too many takes all
 * threads of a process with it. A process can be killed, so a bad model costs its own job and nothing else.
 *
 * Bytes become tensors here, in the `tasks`; a process sees tensors and the model's file. A job's timeout counts once
 * for its wait in line and anew when a process takes it.
 */
export function createOnnxEngine(options: OnnxEngineOptions): InferenceEngine {
  return new OnnxEngine(options);
}

class OnnxEngine implements InferenceEngine {
  readonly #directory: string;
  readonly #settings: RuntimeSettings;
  readonly #providers: ProviderChoice;
  readonly #line: JobLine;
  readonly #tasks = new Map<Hex, Task>();
  #closing: Promise<void> | null = null;

  constructor(options: OnnxEngineOptions) {
    this.#settings = {
      intraOpThreads: options.intraOpThreads ?? 1,
      optimisation: options.optimisation ?? "all",
      maxSessions: options.maxSessions ?? 8,
      maxSessionBytes: Math.floor((options.maxSessionBytes ?? totalmem() / 2) / options.threads),
      maxMemoryBytes: options.maxMemoryBytes ?? Math.floor(totalmem() * 0.75),
    };
    this.#providers = options.providers ?? { provider: "cpu", ofModel: {} };
    this.#directory = mkdtempSync(join(tmpdir(), "sibyl-inference-"));
    this.#line = new JobLine(options.threads, {
      settings: this.#settings,
      directory: this.#directory,
      log: options.log,
    });
  }

  async run(
    model: ResolvedModel,
    input: Hex,
    { timeoutMs }: { timeoutMs: number },
  ): Promise<InferenceResult> {
    const { manifest, modelId } = model;
    checkSize(manifest, input);
    const entry = this.#entryOf(model);
    const known = this.#tasks.get(modelId);
    let task = known;
    const prepare = (signature: GraphSignature) => {
      task = taskOf(manifest, signature);
      this.#remember(modelId, task);
      return feed(task, input);
    };
    // What a graph takes is known only once it is loaded.
    const answer = await (known
      ? this.#job(manifest, { ...entry, ...feed(known, input) }, null, timeoutMs)
      : this.#job(manifest, entry, prepare, timeoutMs));
    const current = task as Task;
    const output = saying("bad-output", () => current.output(answer.results));
    if (size(output) > MAX_OUTPUT_BYTES) {
      throw inferenceError(
        "bad-output",
        `the output has ${size(output)} bytes, ${MAX_OUTPUT_BYTES} allowed`,
        {
          meta: { modelId, bytes: size(output), limit: MAX_OUTPUT_BYTES },
        },
      );
    }
    return { output, runtime: answer.runtime, loadMs: answer.loadMs, runMs: answer.runMs };
  }

  async warm(model: ResolvedModel, { timeoutMs }: { timeoutMs: number }): Promise<void> {
    const endings = await this.#line.warm(this.#entryOf(model), timeoutMs);
    for (const ending of endings) this.#answerOf(ending, model.manifest, model.modelId, timeoutMs);
  }

  /** Jobs that run are finished, those that wait are refused; then the processes end. */
  close(): Promise<void> {
    this.#closing ??= this.#line.close().then(() => rm(this.#directory, { recursive: true, force: true }));
    return this.#closing;
  }

  #remember(modelId: Hex, task: Task): void {
    const [oldest] = this.#tasks.keys();
    if (this.#tasks.size >= MAX_TASKS && oldest) this.#tasks.delete(oldest);
    this.#tasks.set(modelId, task);
  }

  async #job(
    manifest: ModelManifest,
    message: Omit<JobMessage, "job">,
    prepare: SlotJob["prepare"],
    timeoutMs: number,
  ): Promise<Answer> {
    const ending = await this.#line.run(message, prepare, timeoutMs);
    return this.#answerOf(ending, manifest, message.modelId, timeoutMs);
  }

  #answerOf(ending: JobEnding, manifest: ModelManifest, modelId: string, timeoutMs: number): Answer {
    switch (ending.kind) {
      case "answer":
        if (ending.message.kind === "done") return ending.message;
        throw inferenceError(ending.message.fact, `${manifest.name}: ${ending.message.message}`, {
          retry: ending.message.retry,
          meta: { modelId },
        });
      case "exit":
        throw this.#died(manifest, modelId, ending.exit);
      case "timeout":
        throw inferenceError("timeout", `${manifest.name} took longer than ${timeoutMs} ms and was ended`, {
          meta: { modelId, timeoutMs },
        });
      case "waited":
        throw inferenceError("timeout", `no inference process was free for ${timeoutMs} ms`, {
          retry: "backoff",
          meta: { modelId, timeoutMs },
        });
      case "closed":
        throw inferenceError("model-failed", "the engine is closed", { retry: "backoff", meta: { modelId } });
    }
  }

  #entryOf({ modelId, manifest, files }: ResolvedModel): Omit<JobMessage, "job"> {
    const provider = chooseProvider(modelId, manifest, this.#providers);
    const entryPath = files[manifest.entry];
    const sha256 = manifest.files.find(({ path }) => path === manifest.entry)?.sha256;
    if (entryPath !== undefined && sha256 !== undefined) return { modelId, entryPath, sha256, provider };
    throw inferenceError("model-failed", `the model's entry ${manifest.entry} has no file`, {
      meta: { modelId },
    });
  }

  #died(manifest: ModelManifest, modelId: string, { code, signal, stderr }: Exit) {
    const { maxMemoryBytes } = this.#settings;
    if (signal === OUT_OF_MEMORY_SIGNAL) {
      return inferenceError(
        "out-of-memory",
        `${manifest.name} needed more than ${maxMemoryBytes} bytes of memory`,
        {
          meta: { modelId, maxMemoryBytes },
        },
      );
    }
    const how = signal ?? `exit code ${code}`;
    return inferenceError("model-failed", `the inference process of ${manifest.name} ended: ${how}`, {
      // It may have been meant for somebody else, as the kernel's kill is when memory is short.
      retry: "backoff",
      meta: { modelId, code, signal, stderr },
    });
  }
}

function checkSize(manifest: ModelManifest, input: Hex): void {
  if (!isHex(input) || input.length % 2 !== 0) {
    throw inferenceError("bad-input", "the input is no string of hex bytes");
  }
  const { maxBytes } = manifest.input;
  if (size(input) <= maxBytes) return;
  throw inferenceError(
    "bad-input",
    `the input has ${size(input)} bytes, ${manifest.name} takes ${maxBytes}`,
    {
      meta: { bytes: size(input), limit: maxBytes },
    },
  );
}

function feed(task: Task, input: Hex): Pick<JobMessage, "feeds" | "fetches"> {
  return { feeds: saying("bad-input", () => task.feeds(input)), fetches: task.fetches };
}

/** The sdk's codecs refuse with errors of their own; which side they refuse is known here. */
function saying<T>(fact: "bad-input" | "bad-output", work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof SibylError)) throw error;
    throw inferenceError(fact, reasonOf(error), { meta: { reason: error.name }, cause: error });
  }
}
