import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import type { ModelManifest } from "@sibyl/sdk";
import type { InferenceSession } from "onnxruntime-node";
import type { Provider, RuntimeFingerprint } from "../core/runtime.ts";
import { whyNotTogether } from "./batch.ts";
import { mostTogether } from "./company.ts";
import { cpuFeatures } from "./cpuFeatures.ts";
import { inferenceError } from "./inferenceError.ts";
import type { GraphSignature, ModelEntry, RuntimeSettings, TensorSignature } from "./messages.ts";
import type { Runtime } from "./runtimes/runtime.ts";
import { runtimeFor } from "./runtimes/runtimeFor.ts";
import { EntryChangedError, SessionTooLargeError } from "./sessionError.ts";
import type { Task } from "./tasks/task.ts";
import { taskOf } from "./tasks/taskOf.ts";

export interface LoadedModel {
  runtime: Runtime;
  session: InferenceSession;
  task: Task;
  /** How many requests may be run together. */
  together: number;
  /** The `RuntimeFingerprint` as JSON. */
  fingerprintText: Buffer;
  /** What its session takes, as far as the process can tell. */
  bytes: number;
}

/** Loaded models of one process; whole sessions are released, the longest unused first. */
export class SessionCache {
  readonly #settings: RuntimeSettings;
  readonly #cpu = cpuFeatures();
  /** In order of use. */
  readonly #loaded = new Map<string, LoadedModel>();

  constructor(settings: RuntimeSettings) {
    this.#settings = settings;
  }

  /**
   * @throws EntryChangedError, SessionTooLargeError, ProviderFailedError, the runtime's error when it refuses the model, or
   * CoprocessorError `inference/model-failed` when graph and manifest do not fit each other.
   */
  async get(entry: ModelEntry): Promise<LoadedModel & { loadMs: number }> {
    const key = `${entry.modelId} ${entry.provider}`;
    const known = this.#loaded.get(key);
    if (known) {
      this.#loaded.delete(key);
      this.#loaded.set(key, known);
      return { ...known, loadMs: 0 };
    }
    const startMs = performance.now();
    const { maxSessions, maxSessionBytes } = this.#settings;
    const { size } = await stat(entry.entryPath).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOENT") throw error;
      throw new EntryChangedError(`${entry.entryPath} was removed after it was checked`);
    });
    if (size > maxSessionBytes) {
      throw new SessionTooLargeError(
        `its graph has ${size} bytes, the sessions of a process may take ${maxSessionBytes}`,
      );
    }
    await this.#release(maxSessions - 1, maxSessionBytes - size);
    const loaded = await this.#load(entry);
    this.#loaded.set(key, loaded);
    // Only now is known what the session takes beside its file. It stays itself: the process has a limit of its own.
    await this.#release(maxSessions, Math.max(maxSessionBytes, loaded.bytes));
    return { ...loaded, loadMs: performance.now() - startMs };
  }

  /** Releases the longest unused until at most so many sessions with so many bytes are left. */
  async #release(sessions: number, bytes: number): Promise<void> {
    let total = [...this.#loaded.values()].reduce((sum, model) => sum + model.bytes, 0);
    for (const [key, model] of this.#loaded) {
      if (this.#loaded.size <= sessions && total <= bytes) return;
      this.#loaded.delete(key);
      total -= model.bytes;
      await model.session.release();
    }
  }

  async #load({ entryPath, sha256, provider, manifest }: ModelEntry): Promise<LoadedModel> {
    const rssBefore = process.memoryUsage.rss();
    const runtime = await runtimeFor(provider);
    // From bytes and not from the path: what was hashed is what runs, and the graph has no folder of its own from
    // which to reach other files.
    const bytes = await readFile(entryPath);
    const actual = createHash("sha256").update(bytes).digest("hex");
    if (actual !== sha256) {
      throw new EntryChangedError(
        `${entryPath} changed after it was checked: sha256 ${sha256} expected, ${actual} found`,
      );
    }
    const { session, fingerprint } = await runtime.open(bytes, provider, this.#settings);
    const graph = { inputs: tensors(session.inputMetadata), outputs: tensors(session.outputMetadata) };
    try {
      const task = await taskOf(manifest, graph);
      const runtimeFingerprint: RuntimeFingerprint = {
        library: runtime.library,
        version: runtime.version,
        asked: provider,
        ...fingerprint,
        batch: 1,
        platform: `${process.platform}-${process.arch}`,
        cpu: this.#cpu,
        ...(task.work?.preparation.kind === "image" && { images: await imageLibrary() }),
      };
      return {
        runtime,
        session,
        task,
        together: togetherOf(manifest, graph, task, provider),
        fingerprintText: Buffer.from(JSON.stringify(runtimeFingerprint)),
        // Memory that was free inside the process does not show, so the file counts at least.
        bytes: Math.max(bytes.length, process.memoryUsage.rss() - rssBefore),
      };
    } catch (error) {
      await session.release();
      throw error;
    }
  }
}

/** What decodes images, for the fingerprint. */
async function imageLibrary(): Promise<string> {
  return (await import("./imageTensor.ts")).IMAGE_LIBRARY;
}

/**
 * How many requests may be run together.
 *
 * @throws CoprocessorError `inference/model-failed` when the manifest promises what the graph cannot.
 */
function togetherOf(manifest: ModelManifest, graph: GraphSignature, task: Task, provider: Provider): number {
  const most = mostTogether(manifest);
  const obstacle = most === 1 ? null : whyNotTogether(graph, task.fetches);
  if (obstacle === null) return most;
  throw inferenceError("model-failed", `batch.max of the manifest is ${most}, but ${obstacle}`, {
    meta: { model: manifest.name, max: most, provider },
  });
}

function tensors(metadata: readonly InferenceSession.ValueMetadata[]): TensorSignature[] {
  return metadata.flatMap((value) =>
    value.isTensor ? [{ name: value.name, type: value.type, shape: value.shape }] : [],
  );
}
