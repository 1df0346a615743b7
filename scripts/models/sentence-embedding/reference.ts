import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { type NpmPackage, npmPackage } from "../npmPackage.ts";
import { readVocabulary } from "./source.ts";

/** The library that the encoder was published for, in one file; Apache-2.0. */
const TFJS: NpmPackage = {
  name: "@tensorflow/tfjs",
  version: "4.22.0",
  sha256: "56505c191e24116787477b3bb5bb1cc0cf1c2bdce8112b9c402a8a2d31cf2f00",
};

interface Tensor {
  data(): Promise<Float32Array>;
  dispose(): void;
}

interface TensorFlow {
  setBackend(name: string): Promise<boolean>;
  ready(): Promise<void>;
  tensor2d(values: number[][], shape: [number, number], dtype: "int32"): Tensor;
  tensor1d(values: number[], dtype: "int32"): Tensor;
  loadGraphModel(handler: { load(): Promise<object> }): Promise<{
    executeAsync(inputs: Record<string, Tensor>): Promise<Tensor>;
  }>;
}

/** The encoder as its publisher means it: TensorFlow.js runs its own graph, after its own tokenizer. */
export interface Reference {
  tokens(text: string): number[];
  embedding(tokens: readonly number[]): Promise<Float32Array>;
}

export async function openReference(folder: string): Promise<Reference> {
  const bundle = join(await npmPackage(TFJS), "dist", "tf.min.js");
  const tf = createRequire(import.meta.url)(bundle) as TensorFlow;
  await tf.setBackend("cpu");
  await tf.ready();
  const { modelTopology, weightsManifest } = JSON.parse(
    readFileSync(join(folder, "dist", "model.json"), "utf8"),
  );
  const paths = weightsManifest[0].paths as string[];
  const weights = Buffer.concat(paths.map((path) => readFileSync(join(folder, "dist", path))));
  const weightData = weights.buffer.slice(weights.byteOffset, weights.byteOffset + weights.length);
  const model = await tf.loadGraphModel({
    load: async () => ({ modelTopology, weightSpecs: weightsManifest[0].weights, weightData }),
  });
  const vocabulary = readVocabulary(folder);
  return {
    tokens: (text) => likeliestPieces(vocabulary, text),
    async embedding(tokens) {
      const indices = tf.tensor2d(
        tokens.map((_, at) => [0, at]),
        [tokens.length, 2],
        "int32",
      );
      const values = tf.tensor1d([...tokens], "int32");
      const result = await model.executeAsync({ indices, values });
      const data = await result.data();
      for (const tensor of [indices, values, result]) tensor.dispose();
      return data;
    },
  };
}

/** The pieces of a text with the highest sum of log probabilities, found by dynamic programming. */
function likeliestPieces(vocabulary: readonly [string, number][], text: string): number[] {
  const ids = new Map(vocabulary.slice(6).map(([piece], at) => [piece, at + 6]));
  const longest = Math.max(...Array.from(ids.keys(), (piece) => piece.length));
  const symbols = Array.from(`▁${text.normalize("NFKC").replaceAll(" ", "▁")}`);
  const best: ({ score: number; token: number; from: number } | undefined)[] = [
    { score: 0, token: 0, from: 0 },
  ];
  for (let end = 1; end <= symbols.length; end += 1) {
    for (let from = Math.max(0, end - longest); from < end; from += 1) {
      const token = ids.get(symbols.slice(from, end).join(""));
      const before = best[from];
      if (token === undefined || !before) continue;
      const score = before.score + (vocabulary[token]?.[1] ?? 0);
      if (score > (best[end]?.score ?? Number.NEGATIVE_INFINITY)) best[end] = { score, token, from };
    }
    if (!best[end]) throw new Error(`no piece ends at symbol ${end} of: ${text}`);
  }
  const tokens: number[] = [];
  for (let at = symbols.length; at > 0; at = best[at]?.from ?? 0) tokens.unshift(best[at]?.token ?? 0);
  return tokens;
}
