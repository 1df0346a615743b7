import type { ModelManifest } from "@sibyl/sdk";
import { CoprocessorError } from "./errors.ts";
import { isAccelerator, type Provider } from "./runtime.ts";

/** What an operator decides about where models run. */
export interface ProviderChoice {
  /** For every model that has no entry of its own. */
  provider: Provider;
  /** By model id or by name. */
  ofModel: Readonly<Record<string, Provider>>;
}

/**
 * Where a model runs on this machine.
 *
 * A model whose manifest names the canonical runner runs in WebAssembly, and nowhere else: other bits would be another
 * answer. Another `exact` model goes to an accelerator only when its operator says so for this very model.
 *
 * @throws CoprocessorError `inference/provider-failed` when the operator's entry contradicts the manifest.
 */
export function chooseProvider(modelId: string, manifest: ModelManifest, choice: ProviderChoice): Provider {
  const own = choice.ofModel[modelId] ?? choice.ofModel[manifest.name];
  if (manifest.runner === "wasm") {
    if (own === undefined || own === "wasm") return "wasm";
    throw new CoprocessorError(`${manifest.name} is configured for ${own}, its manifest says wasm`, {
      code: "inference/provider-failed",
      retry: "never",
      meta: { modelId, configured: own, manifest: manifest.runner },
    });
  }
  if (own !== undefined) return own;
  return manifest.profile.kind === "exact" && isAccelerator(choice.provider) ? "cpu" : choice.provider;
}
