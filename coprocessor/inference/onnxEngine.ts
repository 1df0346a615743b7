import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import type { ModelManifest } from "@sibyl/sdk";
import type { Hex } from "viem";
import type { ResolvedModel } from "../core/model.ts";
import { chooseProvider, type ProviderChoice } from "../core/providerChoice.ts";
import type { Log } from "../observe/port.ts";
import { type Answer, answerOf } from "./answerOf.ts";
import { inferenceError } from "./inferenceError.ts";
import { type JobEnding, JobLine } from "./jobLine.ts";
import { LoadableModel } from "./loadableModel.ts";
import { MAX_OUTPUT_BYTES, type RuntimeSettings } from "./messages.ts";
import type { InferenceEngine, InferenceResult } from "./port.ts";
import { residentBytesOf } from "./residentBytes.ts";

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

/** What is known of a model is small, but anybody can publish one; so many stay in memory. */
const MAX_MODELS = 1_000;

/**
 * Runs models with ONNX Runtime, native or in WebAssembly, in child processes.
 *
 * Processes and not worker threads, because the runtime computes synchronously in native code: terminating a thread
 * waits until the graph is through, for ever if it loops, and a native fault or an allocation too many takes all
 * threads of a process with it. A process can be killed, so a bad model costs its own job and nothing else.
 *
 * Bytes become tensors and tensors bytes in the processes too: there it runs beside the node's own work, and a decoder that
 * an input breaks costs a process. Here a job costs its way to a process and back, and no more. A job's timeout counts
 * once for its wait in line and anew when a process takes it.
 */
export function createOnnxEngine(options: OnnxEngineOptions): InferenceEngine {
  return new OnnxEngine(options);
}

class OnnxEngine implements InferenceEngine {
  readonly #directory: string;
  readonly #settings: RuntimeSettings;
  readonly #providers: ProviderChoice;
  readonly #line: JobLine;
  readonly #models = new Map<Hex, LoadableModel>();
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

  run(model: ResolvedModel, input: Hex, { timeoutMs }: { timeoutMs: number }): Promise<InferenceResult> {
    // One promise per job: each more costs the small models a part of what they take to run.
    return new Promise((resolve, reject) => {
      const bytes = inputBytes(model.manifest, input);
      this.#line.run(this.#loadable(model), bytes, timeoutMs, (ending) => {
        try {
          resolve(resultOf(model, this.#answerOf(ending, model, timeoutMs)));
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  async warm(model: ResolvedModel, { timeoutMs }: { timeoutMs: number }): Promise<void> {
    const endings = await this.#line.warm(this.#loadable(model), timeoutMs);
    for (const ending of endings) this.#answerOf(ending, model, timeoutMs);
  }

  residentBytes(): number | null {
    return residentBytesOf(this.#line.pids());
  }

  /** Jobs that run are finished, those that wait are refused; then the processes end. */
  close(): Promise<void> {
    this.#closing ??= this.#line.close().then(() => rm(this.#directory, { recursive: true, force: true }));
    return this.#closing;
  }

  #answerOf(ending: JobEnding, { modelId, manifest: { name } }: ResolvedModel, timeoutMs: number): Answer {
    const { maxMemoryBytes } = this.#settings;
    return answerOf(ending, { name, modelId, timeoutMs, maxMemoryBytes });
  }

  #loadable(model: ResolvedModel): LoadableModel {
    const { modelId, manifest } = model;
    const known = this.#models.get(modelId);
    if (known?.is(model)) return known;
    const loadable = new LoadableModel(model, chooseProvider(modelId, manifest, this.#providers));
    if (known?.absorbs(loadable)) return known;
    const [oldest] = this.#models.keys();
    if (this.#models.size >= MAX_MODELS && oldest) this.#models.delete(oldest);
    this.#models.set(modelId, loadable);
    return loadable;
  }
}

function inputBytes({ name, input: { maxBytes } }: ModelManifest, input: Hex): Buffer {
  if (typeof input !== "string" || !input.startsWith("0x") || input.length % 2 !== 0) throw noHex();
  const bytes = input.length / 2 - 1;
  if (bytes > maxBytes) {
    throw inferenceError("bad-input", `the input has ${bytes} bytes, ${name} takes ${maxBytes}`, {
      meta: { bytes, limit: maxBytes },
    });
  }
  // Node reads up to what is no digit, but of a character only the lower byte.
  const read = Buffer.from(input.slice(2), "hex");
  if (read.length !== bytes || Buffer.byteLength(input) !== input.length) throw noHex();
  return read;
}

const noHex = () => inferenceError("bad-input", "the input is no string of hex bytes");

/** What a process says is taken for an output only if it can be one, whatever a model has made of the process. */
function resultOf({ modelId, manifest: { name } }: ResolvedModel, answer: Answer): InferenceResult {
  if (answer.kind === "loaded") throw new Error(`${name} was loaded and not run`);
  const { output, runtime, loadMs, runMs } = answer;
  const bytes = output.length;
  if (bytes <= MAX_OUTPUT_BYTES) return { output: hexOf(output), runtime, loadMs, runMs };
  throw inferenceError(
    "bad-output",
    `the process of ${name} gave ${bytes} bytes, ${MAX_OUTPUT_BYTES} allowed`,
    { meta: { modelId, bytes, limit: MAX_OUTPUT_BYTES } },
  );
}

/** By the system's library; the SDK's runs in browsers too. */
const hexOf = ({ buffer, byteOffset, byteLength }: Uint8Array): Hex =>
  `0x${Buffer.from(buffer, byteOffset, byteLength).toString("hex")}`;
