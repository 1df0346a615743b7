import { encodeOutput, type ModelManifest } from "@sibyl/sdk";
import * as ort from "onnxruntime-node";
import type { Hex } from "viem";

export interface Answer {
  /** Canonical output bytes. */
  output: Hex;
  label: number;
  /** WAD. */
  confidence: bigint;
  /** One per label, WAD; what the graph itself said. */
  scores: readonly bigint[];
}

/**
 * A graph with one input `x` and one output `scores` int64[1, labels].
 *
 * Bytes become tensors here by other code than in a node, so that the goldens that it writes are a check of both.
 *
 * @param feed The graph's input from a canonical one.
 */
export async function openModel(
  bytes: Uint8Array,
  { output: { codec } }: Pick<ModelManifest, "output">,
  feed: (input: Hex) => ort.Tensor,
): Promise<{ answer: (input: Hex) => Promise<Answer>; close: () => Promise<void> }> {
  const session = await ort.InferenceSession.create(bytes, {
    executionProviders: ["cpu"],
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    graphOptimizationLevel: "all",
  });
  return {
    async answer(input) {
      const { data, type } = (await session.run({ x: feed(input) })).scores as ort.Tensor;
      if (!(data instanceof BigInt64Array)) throw new Error(`scores are ${type}, not int64`);
      const scores = Array.from(data);
      const label = scores.reduce((best, score, at) => (score > (scores[best] as bigint) ? at : best), 0);
      const confidence = scores[label] as bigint;
      const output =
        codec === "scores"
          ? encodeOutput("scores", { label, confidence, scores })
          : encodeOutput("classification", { label, confidence });
      return { output, label, confidence, scores };
    },
    close: () => session.release(),
  };
}
