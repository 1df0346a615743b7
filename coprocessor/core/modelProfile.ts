import { describeProfile, type ModelManifest, packProfile } from "@sibyl/sdk";
import type { Hex } from "viem";
import { CoprocessorError } from "./errors.ts";

/**
 * Refuses a model whose registered determinism profile is not its manifest's.
 *
 * Operators compare outputs by the manifest, judges on chain by the registry. Whoever published the id first chose what
 * stands there; where the two differ, an honest answer could be punished.
 *
 * @param registered The registry's word; 0 when it has none.
 * @throws CoprocessorError `model/profile-mismatch`, with both profiles.
 */
export function checkProfile(modelId: Hex, manifest: ModelManifest, registered: bigint): void {
  const own = packProfile(manifest);
  if (own === registered) return;
  const [onChain, inManifest] = [describeProfile(registered), describeProfile(own)];
  throw new CoprocessorError(
    `model ${modelId} is registered with the profile "${onChain}", its manifest says "${inManifest}"`,
    { code: "model/profile-mismatch", retry: "never", meta: { modelId, onChain, inManifest } },
  );
}
