import type { ModelManifest } from "@sibyl/sdk";
import type { Hex } from "viem";
import type { ResolvedModel } from "../core/model.ts";

/**
 * Finds models by content address.
 *
 * Implementations: `fileModels` (local folders, then http(s) into a disk cache). Deliberately excluded: running them.
 */
export interface ModelStore {
  /** The manifest alone: what a node needs to judge outputs. */
  manifest(modelId: Hex, manifestURI: string): Promise<ModelManifest>;
  /**
   * @throws CoprocessorError `model/not-found`, `model/hash-mismatch`, `model/manifest-invalid`, `model/too-large`,
   * `model/no-space`, `model/fetch-failed`.
   */
  resolve(modelId: Hex, manifestURI: string): Promise<ResolvedModel>;
}
