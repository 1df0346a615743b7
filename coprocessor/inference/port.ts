import type { Hex } from "viem";
import type { ResolvedModel } from "../core/model.ts";

export interface InferenceResult {
  /** Canonical output bytes, ABI-encoded by the manifest's codec. */
  output: Hex;
  /** Runtime fingerprint: library, version, provider really used, threads, optimisation level. */
  runtime: string;
  /** Milliseconds to have the session ready; 0 when it was. */
  loadMs: number;
  /** Milliseconds in the session. */
  runMs: number;
}

/**
 * Runs models.
 *
 * Implementations: `onnxEngine` (onnxruntime-node in child processes). Deliberately excluded: fetching and checking
 * files (`models`).
 */
export interface InferenceEngine {
  /** @throws CoprocessorError `inference/bad-input`, `inference/bad-output`, `inference/model-failed`, `inference/timeout`. */
  run(model: ResolvedModel, input: Hex, limits: { timeoutMs: number }): Promise<InferenceResult>;
  close(): Promise<void>;
}
