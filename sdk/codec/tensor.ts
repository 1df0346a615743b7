import type { Hex } from "viem";
import { OutOfRangeError } from "../errors.ts";
import { NotFiniteError } from "../fixedPoint.ts";
import { encodeAbi } from "./abi.ts";
import { decodeCanonicalAbi, type Encoding, partOf } from "./canonicalAbi.ts";
import { type Dtype, dtypeOf, readElement } from "./dtype.ts";
import { AbiDecodingError, ShapeMismatchError, WrongDtypeError } from "./errors.ts";
import { checkUint32 } from "./ranges.ts";
import { bytesOf, hexOf } from "./words.ts";

/** A tensor: `abi.encode(uint8 dtype, uint32[] shape, bytes data)`. Input and output. */
export interface Tensor {
  /** ONNX `TensorProto.DataType` number; see `DTYPES`. */
  dtype: number;
  /** Empty for a scalar. */
  shape: readonly number[];
  /** Row-major, little-endian. */
  data: Hex;
}

/**
 * A tensor with its data as bytes. They start where elements of every type may, if a canonical encoding that was given as
 * bytes does so itself.
 */
export interface RawTensor {
  dtype: number;
  shape: readonly number[];
  data: Uint8Array;
}

/** Dtype, shape, data. */
const TENSOR = ["uint8", "uint32[]", "bytes"] as const;

/** @throws WrongDtypeError, ShapeMismatchError, OutOfRangeError, NotFiniteError. */
export function encodeTensor(tensor: Tensor): Hex {
  const data = bytesOf(tensor.data);
  if (data === null) throw new AbiDecodingError("A tensor's data is a string of hex bytes.");
  return hexOf(encodeRawTensor({ ...tensor, data }));
}

/**
 * As `encodeTensor`, from bytes to bytes.
 *
 * @throws WrongDtypeError, ShapeMismatchError, OutOfRangeError, NotFiniteError.
 */
export function encodeRawTensor(tensor: RawTensor): Uint8Array {
  checkTensor(tensor);
  return encodeAbi(TENSOR, [tensor.dtype, tensor.shape, tensor.data]);
}

/**
 * @param dtype The only dtype to take, as an ONNX number.
 * @throws AbiDecodingError, NonCanonicalError, WrongDtypeError, ShapeMismatchError, OutOfRangeError, NotFiniteError.
 */
export function decodeTensor(bytes: Hex, dtype?: number): Tensor {
  const { data, ...tensor } = decodeRawTensor(bytes, dtype);
  return { ...tensor, data: partOf(bytes, data) };
}

/**
 * As `decodeTensor`, with the data as bytes.
 *
 * @throws AbiDecodingError, NonCanonicalError, WrongDtypeError, ShapeMismatchError, OutOfRangeError, NotFiniteError.
 */
export function decodeRawTensor(bytes: Encoding, dtype?: number): RawTensor {
  const [own, shape, data] = decodeCanonicalAbi(TENSOR, bytes, "tensor");
  if (dtype !== undefined && own !== dtype) {
    throw new WrongDtypeError("The tensor has another dtype than the model takes.", {
      details: `${dtypeOf(own).name} given, ${dtypeOf(dtype).name} wanted`,
    });
  }
  const tensor = { dtype: own, shape, data };
  checkTensor(tensor);
  return tensor;
}

/** The elements in row-major order; integers of 64 bits come as bigint, bools as 0 or 1. */
export function tensorValues(tensor: Tensor): (number | bigint)[] {
  const bytes = bytesOf(tensor.data);
  if (bytes === null) throw new AbiDecodingError("A tensor's data is a string of hex bytes.");
  return elements(dtypeOf(tensor.dtype), bytes);
}

/** How many elements a shape has; 1 for a scalar. */
export function elementCount(shape: readonly number[]): number {
  // A product of many dimensions may leave the doubles, and infinity times zero is no number.
  return shape.includes(0) ? 0 : shape.reduce((count, dimension) => count * dimension, 1);
}

function checkTensor(tensor: RawTensor): void {
  const { data: bytes } = tensor;
  const dtype = dtypeOf(tensor.dtype);
  for (const [axis, dimension] of tensor.shape.entries()) checkUint32(`shape[${axis}]`, dimension);
  const wanted = elementCount(tensor.shape) * dtype.bytes;
  if (bytes.length !== wanted) {
    throw new ShapeMismatchError("The tensor's data does not fit its shape.", {
      details: `${bytes.length} bytes given, ${wanted} for ${dtype.name}[${tensor.shape.join(",")}]`,
    });
  }
  if (dtype.kind !== "float" && dtype.kind !== "bool") return;
  for (const [index, value] of elements(dtype, bytes).entries()) {
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
