import type { ModelManifest } from "@sibyl/sdk";
import type { Hex } from "viem";

/** A model whose every byte was checked against its manifest, and the manifest against its id. */
export interface ResolvedModel {
  modelId: Hex;
  manifest: ModelManifest;
  /** Absolute path of each file, by the path that the manifest gives it. */
  files: Record<string, string>;
}
