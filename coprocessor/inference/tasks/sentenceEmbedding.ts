import { encodeRawVector } from "@sibyl/sdk/codec/vector";
import { toWad } from "@sibyl/sdk/fixedPoint";
import { inferenceError } from "../inferenceError.ts";
import { checkCodec, graphPort, resultOf } from "./graphPort.ts";
import type { TaskFactory } from "./task.ts";
import { textFeeds, tokenPlan } from "./tokenInput.ts";

/**
 * A text to a vector of length 1; the cosine of two texts is the sum of their products.
 *
 * Manifest: `task {type: "sentence-embedding", tokenizer, maxTokens, output?, …}` as in `tokenInput.ts`, input codec
 * `text`, output codec `vector`. The graph gives float32[rows, width], one vector a text.
 */
export const sentenceEmbedding: TaskFactory = (manifest, signature) => {
  checkCodec(manifest, "input", ["text"]);
  checkCodec(manifest, "output", ["vector"]);
  const preparation = tokenPlan(manifest, signature);
  const output = graphPort(manifest, signature, "output");
  return {
    fetches: [output.name],
    work: { preparation, reading: null },
    feeds: textFeeds,
    output(results) {
      const { type, dims, data } = resultOf(results, output.name);
      if (!(data instanceof Float32Array) || dims.length !== 2 || dims[0] !== 1) {
        throw inferenceError(
          "bad-output",
          `${output.name} is ${type}[${dims.join(",")}], float32[1,width] wanted`,
        );
      }
      let squares = 0;
      for (const number of data) squares += number * number;
      const length = Math.sqrt(squares);
      if (!(length > 0 && Number.isFinite(length))) {
        throw inferenceError("bad-output", `${output.name} has the length ${length}`, { meta: { length } });
      }
      return encodeRawVector(Array.from(data, (number) => toWad(number / length)));
    },
  };
};
