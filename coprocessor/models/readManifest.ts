import { InvalidManifestError, type ModelManifest, modelId, parseManifest } from "@sibyl/sdk";
import type { Hex } from "viem";
import { modelError } from "./modelErrors.ts";

/**
 * Reads a fetched manifest and checks that it is the one that was asked for.
 *
 * @throws CoprocessorError `model/manifest-invalid`, `model/hash-mismatch`.
 */
export function readManifest(id: Hex, bytes: Uint8Array, manifestURI: string): ModelManifest {
  let manifest: ModelManifest;
  try {
    manifest = parseManifest(bytes);
  } catch (error) {
    if (!(error instanceof InvalidManifestError)) throw error;
    throw modelError(
      "manifest-invalid",
      `the manifest at ${manifestURI} is invalid: ${error.details}`,
      "never",
      { modelId: id, manifestURI, issues: error.issues },
      error,
    );
  }
  const actual = modelId(manifest);
  if (actual === id) return manifest;
  throw modelError(
    "hash-mismatch",
    `the manifest at ${manifestURI} is of another model: ${id} expected, ${actual} found`,
    "backoff",
    { file: "manifest.json", expected: id, actual, manifestURI },
  );
}
