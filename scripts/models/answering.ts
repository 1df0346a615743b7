import { readFileSync } from "node:fs";
import { join } from "node:path";
import { openWorkbench, type Provider } from "@sibyl/coprocessor";
import { type ModelManifest, modelId, parseManifest } from "@sibyl/sdk";
import type { Hex } from "viem";

/** Where models lie, one a folder. */
export const MODELS = join(import.meta.dirname, "..", "..", "models");
const TIMEOUT_MS = 120_000;

/** A model of the `models` folder in an engine of its own, as a node runs it. */
export interface AnsweringModel {
  manifest: ModelManifest;
  /** The output's canonical bytes. */
  answer(input: Hex): Promise<Hex>;
  /** Of the last answer: library, version and providers. */
  runtime(): string;
  close(): Promise<void>;
}

export async function openAnswering(
  name: string,
  provider: Provider,
  threads: number,
): Promise<AnsweringModel> {
  const manifest = parseManifest(readFileSync(join(MODELS, name, "manifest.json")));
  const id = modelId(manifest);
  const own = manifest.runner === "wasm" ? "wasm" : provider;
  const workbench = openWorkbench({
    modelFolders: [MODELS],
    dataDir: ".sibyl",
    threads,
    providers: { provider, ofModel: { [id]: own } },
  });
  try {
    const model = await workbench.models.resolve(id, "");
    let runtime = "";
    return {
      manifest,
      async answer(input) {
        const result = await workbench.engine.run(model, input, { timeoutMs: TIMEOUT_MS });
        const { library, version, used } = result.runtime;
        runtime = `${library}@${version} ${used.join("+")}`;
        return result.output;
      },
      runtime: () => runtime,
      close: () => workbench.close(),
    };
  } catch (error) {
    await workbench.close();
    throw error;
  }
}

/** Answers to many inputs in their order, so many at a time that batches fill. */
export async function answersTo(model: AnsweringModel, inputs: readonly Hex[]): Promise<Hex[]> {
  const answers: Hex[] = [];
  let next = 0;
  const lane = async () => {
    for (let at = next++; at < inputs.length; at = next++)
      answers[at] = await model.answer(inputs[at] as Hex);
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return answers;
}
const LANES = 64;
