import { encodeRawScalar } from "@sibyl/sdk/codec/scalar";
import { decodeRawVector, encodeRawVector } from "@sibyl/sdk/codec/vector";
import { readInt256, WORD } from "@sibyl/sdk/codec/words";
import { fromWad, toWad } from "@sibyl/sdk/fixedPoint";
import { inferenceError } from "../inferenceError.ts";
import { encodeClassScores, type ScoreKind, scoreKind } from "./classScores.ts";
import { decimalsOf, integersOf, isInteger } from "./fixedPointVector.ts";
import { checkCodec, graphPort, resultOf, shapeFor } from "./graphPort.ts";
import type { TaskFactory } from "./task.ts";

/**
 * Real numbers in, real numbers or a class out: tables, scores, regressions.
 *
 * Manifest: `task {type: "vector", input?, output?}`, input codec `vector`, output codec `vector`, `scalar`, or
 * `classification` or `scores` with `task.scores` as in text-classification. A graph that takes integers gets the
 * numbers in fixed point, with as many decimals as `task.decimals` says.
 */
export const vector: TaskFactory = (manifest, signature) => {
  checkCodec(manifest, "input", ["vector"]);
  checkCodec(manifest, "output", ["vector", "scalar", "classification", "scores"]);
  const input = graphPort(manifest, signature, "input");
  const output = graphPort(manifest, signature, "output");
  const { codec } = manifest.output;
  const kind: ScoreKind | null =
    codec === "classification" || codec === "scores" ? scoreKind(manifest) : null;
  const decimals = isInteger(input.type) ? decimalsOf(manifest) : 0;
  if (input.type !== "float32" && input.type !== "float64" && !isInteger(input.type)) {
    throw inferenceError(
      "model-failed",
      `${input.name} takes ${input.type}, a vector is float32, float64, int32 or int64`,
      {
        meta: { model: manifest.name, input: input.name, type: input.type },
      },
    );
  }
  const { type } = input;
  return {
    fetches: [output.name],
    feeds(bytes) {
      const words = decodeRawVector(bytes);
      const count = words.byteLength / WORD;
      if (count === 0) throw inferenceError("bad-input", "the vector is empty");
      const shape = shapeFor(input, count);
      if (isInteger(type)) {
        return { [input.name]: { type, data: integersOf(words, decimals, type), dims: shape } };
      }
      const numbers = Array.from({ length: count }, (_, index) => fromWad(readInt256(words, index * WORD)));
      if (type === "float64")
        return { [input.name]: { type, data: Float64Array.from(numbers), dims: shape } };
      const narrow = Float32Array.from(numbers);
      const lost = narrow.findIndex((number) => !Number.isFinite(number));
      if (lost !== -1) {
        throw inferenceError("bad-input", `number ${lost} (${numbers[lost]}) is beyond float32`, {
          meta: { index: lost },
        });
      }
      return { [input.name]: { type, data: narrow, dims: shape } };
    },
    output(results) {
      const tensor = resultOf(results, output.name);
      if (kind) return encodeClassScores(manifest, kind, tensor);
      if (!(tensor.data instanceof Float32Array || tensor.data instanceof Float64Array)) {
        throw inferenceError(
          "bad-output",
          `${output.name} is ${tensor.type}, a vector is float32 or float64`,
        );
      }
      const numbers = Array.from(tensor.data, toWad);
      if (codec === "vector") return encodeRawVector(numbers);
      const [number] = numbers;
      if (number === undefined || numbers.length !== 1) {
        throw inferenceError("bad-output", `${output.name} has ${numbers.length} numbers, a scalar is one`);
      }
      return encodeRawScalar(number);
    },
  };
};
