import type { Hex } from "viem";
import { encodeAbi } from "./abi.ts";
import { decodeCanonicalAbi, type Encoding } from "./canonicalAbi.ts";
import { checkInt256 } from "./ranges.ts";
import { bytesOf, hexOf, readUint32, WORD } from "./words.ts";

const VECTOR = ["int256[]"] as const;

/**
 * Real numbers in WAD: `abi.encode(int256[])`. Input and output.
 *
 * @throws OutOfRangeError when one does not fit an int256.
 */
export function encodeVector(values: readonly bigint[]): Hex {
  return hexOf(encodeRawVector(values));
}

/**
 * As `encodeVector`, as bytes.
 *
 * @throws OutOfRangeError.
 */
export function encodeRawVector(values: readonly bigint[]): Uint8Array {
  for (const [index, value] of values.entries()) checkInt256("vector", value, index);
  return encodeAbi(VECTOR, [values]);
}

/** @throws AbiDecodingError, NonCanonicalError. */
export function decodeVector(bytes: Encoding): readonly bigint[] {
  return decodeCanonicalAbi(VECTOR, bytes, "vector")[0];
}

/**
 * As `decodeVector`, with the numbers as they stand: a word of 32 bytes each, for `readInt256`.
 *
 * @throws AbiDecodingError, NonCanonicalError.
 */
export function decodeRawVector(encoding: Encoding): DataView {
  const bytes = encoding instanceof Uint8Array ? encoding : bytesOf(encoding);
  if (bytes !== null) {
    const words = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const count = readUint32(words, 0) === WORD ? readUint32(words, WORD) : null;
    // Whatever a word holds, it is one int256 and no other encoding of it.
    if (count !== null && words.byteLength === (2 + count) * WORD) {
      return new DataView(bytes.buffer, bytes.byteOffset + 2 * WORD, count * WORD);
    }
  }
  decodeCanonicalAbi(VECTOR, encoding, "vector");
  throw new Error("a canonical vector that is none");
}
