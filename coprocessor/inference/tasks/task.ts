import type { ModelManifest } from "@sibyl/sdk";
import type { GenerationPlan, GraphSignature, RawTensor, RowWork } from "../messages.ts";

/**
 * What lies between canonical bytes and tensors, for one loaded model.
 *
 * A new kind of task is one file with a `TaskFactory` and one line in `taskOf.ts`.
 */
export interface Task {
  /** Names of the graph's outputs that `output` reads. */
  readonly fetches: readonly string[];
  /** For a graph that is run once per token of a text. */
  readonly generation?: GenerationPlan;
  /** What the process does to `feeds`, which then hold `text` or `bytes`. */
  readonly work?: RowWork;
  /** @throws CoprocessorError `inference/bad-input`, or the codec's error, which means the same. */
  feeds(input: Uint8Array): Record<string, RawTensor>;
  /** @throws CoprocessorError `inference/bad-output`, or the codec's error, which means the same. */
  output(results: Readonly<Record<string, RawTensor>>): Uint8Array;
}

/**
 * Checks once, when a model is loaded, that manifest and graph fit each other.
 *
 * @throws CoprocessorError `inference/model-failed` when they do not.
 */
export type TaskFactory = (manifest: ModelManifest, signature: GraphSignature) => Task;
