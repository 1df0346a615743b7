import { dtypeCode, dtypeOf } from "@sibyl/sdk/codec/dtype";
import { decodeRawTensor, encodeRawTensor } from "@sibyl/sdk/codec/tensor";
import { inferenceError } from "../inferenceError.ts";
import { encodeClassScores, type ScoreKind, scoreKind } from "./classScores.ts";
import { checkCodec, graphPort, resultOf } from "./graphPort.ts";
import type { TaskFactory } from "./task.ts";

/**
 * Element types that go through onnxruntime-node unchanged on every supported Node. float16 does not: how it is held
 * depends on the Node version; bfloat16 the binding does not know.
 */
const ARRAYS = {
  float32: Float32Array,
  float64: Float64Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
} as const;
type ElementType = keyof typeof ARRAYS;

/**
 * A tensor as it is, in and out, or a class out.
 *
 * Manifest: `task {type: "tensor", input?, output?}`, input codec `tensor`, output codec `tensor`, or `classification` or
 * `scores` with `task.scores` as in text-classification.
 */
export const tensor: TaskFactory = (manifest, signature) => {
  checkCodec(manifest, "input", ["tensor"]);
  checkCodec(manifest, "output", ["tensor", "classification", "scores"]);
  const input = graphPort(manifest, signature, "input");
  const output = graphPort(manifest, signature, "output");
  const kind: ScoreKind | null = manifest.output.codec === "tensor" ? null : scoreKind(manifest);
  for (const { name, type } of [input, output]) {
    if (isElementType(type)) continue;
    throw inferenceError("model-failed", `${name} is ${type}, which has no canonical tensor`, {
      meta: { model: manifest.name, name, type },
    });
  }
  return {
    fetches: [output.name],
    feeds(bytes) {
      const { dtype, shape, data } = decodeRawTensor(bytes);
      const type = dtypeOf(dtype).name;
      if (type !== input.type || !isElementType(type)) {
        throw inferenceError("bad-input", `${input.name} takes ${input.type}, ${type} given`, {
          meta: { input: input.name, expected: input.type, given: type },
        });
      }
      const fits =
        shape.length === input.shape.length &&
        input.shape.every((dimension, axis) => typeof dimension === "string" || dimension === shape[axis]);
      if (!fits) {
        throw inferenceError(
          "bad-input",
          `${input.name} takes [${input.shape.join(",")}], [${shape.join(",")}] given`,
          { meta: { input: input.name, expected: input.shape, given: shape } },
        );
      }
      if (shape.includes(0)) {
        throw inferenceError("bad-input", `[${shape.join(",")}] is a tensor without elements`, {
          meta: { input: input.name, given: shape },
        });
      }
      const { buffer, byteOffset, byteLength } = data;
      const length = byteLength / ARRAYS[type].BYTES_PER_ELEMENT;
      const elements = new ARRAYS[type](buffer as ArrayBuffer, byteOffset, length);
      return { [input.name]: { type, data: elements, dims: shape } };
    },
    output(results) {
      const result = resultOf(results, output.name);
      if (kind) return encodeClassScores(manifest, kind, result);
      const { type, dims, data } = result;
      if (!isElementType(type) || Array.isArray(data)) {
        throw inferenceError("bad-output", `${output.name} is ${type}, which has no canonical tensor`);
      }
      const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
      return encodeRawTensor({ dtype: dtypeCode(type), shape: dims, data: raw });
    },
  };
};

function isElementType(type: string): type is ElementType {
  return Object.hasOwn(ARRAYS, type);
}
