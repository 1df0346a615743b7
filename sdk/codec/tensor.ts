import { encodeAbiParameters, type Hex, hexToBytes, isHex } from "viem";
import { OutOfRangeError } from "../errors.ts";
import { NotFiniteError } from "../fixedPoint.ts";
import { decodeCanonicalAbi } from "./canonicalAbi.ts";
import { type Dtype, dtypeOf, readElement } from "./dtype.ts";
import { AbiDecodingError, ShapeMismatchError, WrongDtypeError } from "./errors.ts";
import { checkUint32 } from "./ranges.ts";
import { endsWithBytes, readUint32, WORD, wordsOf } from "./words.ts";

/** A tensor: `abi.encode(uint8 dtype, uint32[] shape, bytes data)`. Input and output. */
export interface Tensor {
  /** ONNX `TensorProto.DataType` number; see `DTYPES`. */
  dtype: number;
  /** Empty for a scalar. */
  shape: readonly number[];
  /** Row-major, little-endian. */
  data: Hex;
}

const TENSOR = [
  { name: "dtype", type: "uint8" },
  { name: "shape", type: "uint32[]" },
  { name: "data", type: "bytes" },
] as const;

/** @throws WrongDtypeError, ShapeMismatchError, OutOfRangeError, NotFiniteError. */
export function encodeTensor(tensor: Tensor): Hex {
  checkTensor(tensor);
  return encodeAbiParameters(TENSOR, [tensor.dtype, tensor.shape, tensor.data.toLowerCase() as Hex]);
}

/**
 * @param dtype The only dtype to take, as an ONNX number.
 * @throws AbiDecodingError, NonCanonicalError, WrongDtypeError, ShapeMismatchError, OutOfRangeError, NotFiniteError.
 */
export function decodeTensor(bytes: Hex, dtype?: number): Tensor {
  const tensor = canonicalTensor(bytes) ?? tensorOf(decodeCanonicalAbi(TENSOR, bytes, "tensor"));
  if (dtype !== undefined && tensor.dtype !== dtype) {
    throw new WrongDtypeError("The tensor has another dtype than the model takes.", {
      details: `${dtypeOf(tensor.dtype).name} given, ${dtypeOf(dtype).name} wanted`,
    });
  }
  checkTensor(tensor);
  return tensor;
}

/** The elements in row-major order; integers of 64 bits come as bigint, bools as 0 or 1. */
export function tensorValues(tensor: Tensor): (number | bigint)[] {
  return elements(dtypeOf(tensor.dtype), hexToBytes(tensor.data));
}

/** How many elements a shape has; 1 for a scalar. */
export function elementCount(shape: readonly number[]): number {
  // A product of many dimensions may leave the doubles, and infinity times zero is no number.
  return shape.includes(0) ? 0 : shape.reduce((count, dimension) => count * dimension, 1);
}

const tensorOf = ([dtype, shape, data]: readonly [number, readonly number[], Hex]): Tensor => ({
  dtype,
  shape,
  data,
});

/** Null when the bytes are no canonical encoding. */
function canonicalTensor(bytes: Hex): Tensor | null {
  const words = typeof bytes === "string" ? wordsOf(bytes) : null;
  if (words === null) return null;
  const dtype = readUint32(words, 0);
  const rank = readUint32(words, 3 * WORD);
  if (dtype === null || dtype > 0xff || readUint32(words, WORD) !== 3 * WORD || rank === null) return null;
  const dataOffset = (4 + rank) * WORD;
  if (readUint32(words, 2 * WORD) !== dataOffset) return null;
  const shape: number[] = [];
  for (let offset = 4 * WORD; offset < dataOffset; offset += WORD) {
    const dimension = readUint32(words, offset);
    if (dimension === null) return null;
    shape.push(dimension);
  }
  const length = readUint32(words, dataOffset);
  if (length === null || !endsWithBytes(words, dataOffset + WORD, length)) return null;
  const start = 2 + 2 * (dataOffset + WORD);
  return { dtype, shape, data: `0x${bytes.slice(start, start + 2 * length).toLowerCase()}` };
}

function checkTensor(tensor: Tensor): void {
  const dtype = dtypeOf(tensor.dtype);
  for (const [axis, dimension] of tensor.shape.entries()) checkUint32(`shape[${axis}]`, dimension);
  if (!isHex(tensor.data) || tensor.data.length % 2 !== 0) {
    throw new AbiDecodingError("A tensor's data is a string of hex bytes.");
  }
  const given = (tensor.data.length - 2) / 2;
  const wanted = elementCount(tensor.shape) * dtype.bytes;
  if (given !== wanted) {
    throw new ShapeMismatchError("The tensor's data does not fit its shape.", {
      details: `${given} bytes given, ${wanted} for ${dtype.name}[${tensor.shape.join(",")}]`,
    });
  }
  if (dtype.kind !== "float" && dtype.kind !== "bool") return;
  for (const [index, value] of elements(dtype, hexToBytes(tensor.data)).entries()) {
    if (dtype.kind === "bool" && Number(value) > 1) {
      throw new OutOfRangeError(`element ${index} of a bool tensor`, value, "0 or 1");
    }
    if (!Number.isFinite(Number(value))) {
      throw new NotFiniteError("A tensor must not hold NaN or infinities.", {
        details: `element ${index} is ${value}`,
      });
    }
  }
}

function elements(dtype: Dtype, bytes: Uint8Array): (number | bigint)[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values: (number | bigint)[] = [];
  for (let offset = 0; offset < bytes.length; offset += dtype.bytes) {
    values.push(readElement(dtype, view, offset));
  }
  return values;
}
