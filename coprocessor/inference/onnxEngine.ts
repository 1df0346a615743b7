import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { type ModelManifest, SibylError } from "@sibyl/sdk";
import { type Hex, isHex, size } from "viem";
import type { ResolvedModel } from "../core/model.ts";
import { chooseProvider, type ProviderChoice } from "../core/providerChoice.ts";
import type { Provider } from "../core/runtime.ts";
import type { Log } from "../observe/port.ts";
import { type Answer, answerOf } from "./answerOf.ts";
import { whyNotTogether } from "./batch.ts";
import { inferenceError, reasonOf } from "./inferenceError.ts";
import { type JobEnding, JobLine } from "./jobLine.ts";
import type { GraphSignature, JobMessage, RuntimeSettings } from "./messages.ts";
import type { InferenceEngine, InferenceResult } from "./port.ts";
import { residentBytesOf } from "./residentBytes.ts";
import type { GraphWork } from "./slot.ts";
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
/** What is known of a graph is small, but anybody can publish a model; so many stay in memory. */
const MAX_GRAPHS = 1_000;

/** What loading a model told; `together` is how many of its requests may be run at once. */
interface KnownGraph {
  task: Task;
  together: number;
}

/**
 * Runs models with ONNX Runtime, native or in WebAssembly, in child processes.
 *
 * Processes and not worker threads, because the runtime computes synchronously in native code: terminating a thread
 * waits until the graph is through, for ever if it loops, and a native fault or an allocation too many takes all
 * threads of a process with it. A process can be killed, so a bad model costs its own job and nothing else.
 *
 * Bytes become tensors here, in the `tasks`, except where that takes a library or one of the model's files: tokenizers
 * and image decoders work in the processes, which a broken image may cost. A job's timeout counts once for its wait in
 * line and anew when a process takes it.
 */
export function createOnnxEngine(options: OnnxEngineOptions): InferenceEngine {
  return new OnnxEngine(options);
}

class OnnxEngine implements InferenceEngine {
  readonly #directory: string;
  readonly #settings: RuntimeSettings;
  readonly #providers: ProviderChoice;
  readonly #line: JobLine;
  readonly #graphs = new Map<Hex, Promise<KnownGraph>>();
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
    const known = this.#graphs.get(modelId);
    const { task, ending } = known
      ? await this.#run(await known, entry, input, timeoutMs)
      : await this.#runFirst(manifest, entry, input, timeoutMs);
    const answer = this.#answerOf(ending, manifest, modelId, timeoutMs);
    const output = saying("bad-output", () => task.output(answer.results));
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

  residentBytes(): number | null {
    return residentBytesOf(this.#line.pids());
  }

  /** Jobs that run are finished, those that wait are refused; then the processes end. */
  close(): Promise<void> {
    this.#closing ??= this.#line.close().then(() => rm(this.#directory, { recursive: true, force: true }));
    return this.#closing;
  }

  async #run(
    { task, together }: KnownGraph,
    entry: Omit<JobMessage, "job">,
    input: Hex,
    timeoutMs: number,
  ): Promise<{ task: Task; ending: JobEnding }> {
    const ending = await this.#line.run({ ...entry, ...feed(task, input) }, { together }, timeoutMs);
    return { task, ending };
  }

  /**
   * Runs a model's first job. What its graph takes is known only once it is loaded; whoever comes meanwhile waits for
   * that, and for the same error if it fails.
   */
  async #runFirst(
    manifest: ModelManifest,
    entry: Omit<JobMessage, "job">,
    input: Hex,
    timeoutMs: number,
  ): Promise<{ task: Task; ending: JobEnding }> {
    const modelId = entry.modelId as Hex;
    let graph: KnownGraph | null = null;
    let tell!: (graph: KnownGraph | Promise<never>) => void;
    const telling = new Promise<KnownGraph>((resolve) => {
      tell = resolve;
    });
    telling.catch(() => undefined); // nobody may be waiting
    const [oldest] = this.#graphs.keys();
    if (this.#graphs.size >= MAX_GRAPHS && oldest) this.#graphs.delete(oldest);
    this.#graphs.set(modelId, telling);
    const prepare = (signature: GraphSignature) => {
      const task = taskOf(manifest, signature);
      graph = { task, together: togetherOf(manifest, signature, task, entry.provider) };
      tell(graph);
      return feed(task, input);
    };
    try {
      const ending = await this.#line.run(entry, { prepare }, timeoutMs);
      const { task } = graph ?? this.#unloaded(ending, manifest, modelId, timeoutMs);
      return { task, ending };
    } catch (error) {
      if (graph === null) {
        this.#graphs.delete(modelId);
        tell(Promise.reject(error));
      }
      throw error;
    }
  }

  /** The error of a job that ended before its model was loaded. */
  #unloaded(ending: JobEnding, manifest: ModelManifest, modelId: string, timeoutMs: number): never {
    this.#answerOf(ending, manifest, modelId, timeoutMs);
    throw new Error(`${manifest.name} ran without having been loaded`);
  }

  #answerOf(ending: JobEnding, { name }: ModelManifest, modelId: string, timeoutMs: number): Answer {
    const { maxMemoryBytes } = this.#settings;
    return answerOf(ending, { name, modelId, timeoutMs, maxMemoryBytes });
  }

  #entryOf({ modelId, manifest, files }: ResolvedModel): Omit<JobMessage, "job"> {
    const provider = chooseProvider(modelId, manifest, this.#providers);
    const entryPath = files[manifest.entry];
    const sha256 = manifest.files.find(({ path }) => path === manifest.entry)?.sha256;
    const others = manifest.files.filter(({ path }) => path !== manifest.entry && files[path] !== undefined);
    if (entryPath !== undefined && sha256 !== undefined) {
      const references = others.map((file) => [
        file.path,
        { path: files[file.path] as string, sha256: file.sha256 },
      ]);
      return { modelId, entryPath, sha256, provider, files: Object.fromEntries(references) };
    }
    throw inferenceError("model-failed", `the model's entry ${manifest.entry} has no file`, {
      meta: { modelId },
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

function feed(task: Task, input: Hex): GraphWork {
  const { fetches, generation, work } = task;
  const feeds = saying("bad-input", () => task.feeds(input));
  return work ? { rows: [feeds], work, fetches } : { feeds, fetches, ...(generation && { generation }) };
}

/**
 * How many requests of a model may be run together. An `exact` model of real numbers never runs in company: sums come
 * out in another order, and with them the last bits.
 *
 * @throws CoprocessorError `inference/model-failed` when the manifest promises what the graph cannot.
 */
function togetherOf(
  manifest: ModelManifest,
  signature: GraphSignature,
  task: Task,
  provider: Provider,
): number {
  const max = manifest.batch?.max ?? 1;
  if (max === 1 || task.generation || (manifest.profile.kind === "exact" && manifest.runner === "wasm"))
    return 1;
  const obstacle = whyNotTogether(signature, task.fetches);
  if (obstacle === null) return max;
  throw inferenceError("model-failed", `batch.max of the manifest is ${max}, but ${obstacle}`, {
    meta: { model: manifest.name, max, provider },
  });
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
