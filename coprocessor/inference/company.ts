import type { ModelManifest } from "@sibyl/sdk";

/**
 * How many requests of a model may be run together. An `exact` model of real numbers never runs in company: sums come
 * out in another order, and with them the last bits.
 */
export function mostTogether({ batch, profile, runner, task }: ModelManifest): number {
  const isCanonicalReal = profile.kind === "exact" && runner === "wasm";
  return batch === undefined || task.type === "text-generation" || isCanonicalReal ? 1 : batch.max;
}
