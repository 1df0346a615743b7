import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import * as ort from "onnxruntime-node";
import type { GraphSignature, JobMessage, RuntimeSettings, TensorSignature } from "./messages.ts";

export interface LoadedModel {
  session: ort.InferenceSession;
  signature: GraphSignature;
}

/** The entry is not the file that the store checked; the store will look again at the next try. */
export class EntryChangedError extends Error {
  override readonly name = "EntryChangedError";
}

/** Loaded models of one process, the longest unused released first. */
export class SessionCache {
  readonly #settings: RuntimeSettings;
  /** In order of use. */
  readonly #loaded = new Map<string, LoadedModel>();

  constructor(settings: RuntimeSettings) {
    this.#settings = settings;
  }

  /** @throws EntryChangedError, or the runtime's error when it refuses the model. */
  async get(message: JobMessage): Promise<LoadedModel & { loadMs: number }> {
    const known = this.#loaded.get(message.modelId);
    if (known) {
      this.#loaded.delete(message.modelId);
      this.#loaded.set(message.modelId, known);
      return { ...known, loadMs: 0 };
    }
    const startMs = performance.now();
    for (const [modelId, { session }] of this.#loaded) {
      if (this.#loaded.size < this.#settings.maxSessions) break;
      this.#loaded.delete(modelId);
      await session.release();
    }
    const loaded = await this.#load(message);
    this.#loaded.set(message.modelId, loaded);
    return { ...loaded, loadMs: performance.now() - startMs };
  }

  async #load({ entryPath, sha256 }: JobMessage): Promise<LoadedModel> {
    // From bytes and not from the path: what was hashed is what runs, and the graph has no folder of its own from
    // which to reach other files.
    const bytes = await readFile(entryPath);
    const actual = createHash("sha256").update(bytes).digest("hex");
    if (actual !== sha256) {
      throw new EntryChangedError(
        `${entryPath} changed after it was checked: sha256 ${sha256} expected, ${actual} found`,
      );
    }
    const session = await ort.InferenceSession.create(bytes, {
      executionProviders: ["cpu"],
      executionMode: "sequential",
      intraOpNumThreads: this.#settings.intraOpThreads,
      interOpNumThreads: 1,
      graphOptimizationLevel: this.#settings.optimisation,
      logSeverityLevel: 4,
    });
    return {
      session,
      signature: { inputs: tensors(session.inputMetadata), outputs: tensors(session.outputMetadata) },
    };
  }
}

function tensors(metadata: readonly ort.InferenceSession.ValueMetadata[]): TensorSignature[] {
  return metadata.flatMap((value) =>
    value.isTensor ? [{ name: value.name, type: value.type, shape: value.shape }] : [],
  );
}
