import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import type { InferenceSession } from "onnxruntime-node";
import type { RuntimeFingerprint } from "../core/runtime.ts";
import { cpuFeatures } from "./cpuFeatures.ts";
import type { GraphSignature, JobMessage, RuntimeSettings, TensorSignature } from "./messages.ts";
import type { Runtime } from "./runtimes/runtime.ts";
import { runtimeFor } from "./runtimes/runtimeFor.ts";

export interface LoadedModel {
  runtime: Runtime;
  session: InferenceSession;
  signature: GraphSignature;
  fingerprint: RuntimeFingerprint;
  /** What its session takes, as far as the process can tell. */
  bytes: number;
}

/** The entry is not the file that the store checked; the store will look again at the next try. */
export class EntryChangedError extends Error {
  override readonly name = "EntryChangedError";
}

/** The model alone is more than the sessions of a process may take. */
export class SessionTooLargeError extends Error {
  override readonly name = "SessionTooLargeError";
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
   * @throws EntryChangedError, SessionTooLargeError, ProviderFailedError, or the runtime's error when it refuses the
   * model.
   */
  async get(message: JobMessage): Promise<LoadedModel & { loadMs: number }> {
    const key = `${message.modelId} ${message.provider}`;
    const known = this.#loaded.get(key);
    if (known) {
      this.#loaded.delete(key);
      this.#loaded.set(key, known);
      return { ...known, loadMs: 0 };
    }
    const startMs = performance.now();
    const { maxSessions, maxSessionBytes } = this.#settings;
    const { size } = await stat(message.entryPath).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOENT") throw error;
      throw new EntryChangedError(`${message.entryPath} was removed after it was checked`);
    });
    if (size > maxSessionBytes) {
      throw new SessionTooLargeError(
        `its graph has ${size} bytes, the sessions of a process may take ${maxSessionBytes}`,
      );
    }
    await this.#release(maxSessions - 1, maxSessionBytes - size);
    const loaded = await this.#load(message);
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

  async #load({ entryPath, sha256, provider }: JobMessage): Promise<LoadedModel> {
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
    return {
      runtime,
      session,
      signature: { inputs: tensors(session.inputMetadata), outputs: tensors(session.outputMetadata) },
      fingerprint: {
        library: runtime.library,
        version: runtime.version,
        asked: provider,
        ...fingerprint,
        batch: 1,
        platform: `${process.platform}-${process.arch}`,
        cpu: this.#cpu,
      },
      // Memory that was free inside the process does not show, so the file counts at least.
      bytes: Math.max(bytes.length, process.memoryUsage.rss() - rssBefore),
    };
  }
}

function tensors(metadata: readonly InferenceSession.ValueMetadata[]): TensorSignature[] {
  return metadata.flatMap((value) =>
    value.isTensor ? [{ name: value.name, type: value.type, shape: value.shape }] : [],
  );
}
