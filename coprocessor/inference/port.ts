import type { Hex } from "viem";
import type { ResolvedModel } from "../core/model.ts";
import type { RuntimeFingerprint } from "../core/runtime.ts";

export interface InferenceResult {
  /** Canonical output bytes, ABI-encoded by the manifest's codec. */
  output: Hex;
  /** What computed it. */
  runtime: RuntimeFingerprint;
  /** Milliseconds to have the session ready; 0 when it was. */
  loadMs: number;
  /** Milliseconds in the session. */
  runMs: number;
}

/**
 * Runs models.
 *
 * Implementations: `onnxEngine` (ONNX Runtime, native or in WebAssembly, in child processes). Deliberately excluded: fetching and checking
 * files (`models`).
 */
export interface InferenceEngine {
  /**
   * @throws CoprocessorError `inference/bad-input`, `inference/bad-output`, `inference/model-failed`,
   * `inference/provider-failed`, `inference/out-of-memory`, `inference/timeout`.
   */
  run(model: ResolvedModel, input: Hex, limits: { timeoutMs: number }): Promise<InferenceResult>;
  /**
   * Has a model loaded before its first job, in every process that is free, or in the first that will be.
   *
   * @throws as `run` does.
   */
  warm(model: ResolvedModel, limits: { timeoutMs: number }): Promise<void>;
  /** Resident memory of everything that models run in; null where the system does not tell. */
  residentBytes(): number | null;
  close(): Promise<void>;
}
