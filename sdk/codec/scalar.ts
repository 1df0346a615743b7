import type { Hex } from "viem";
import { encodeAbi } from "./abi.ts";
import { decodeCanonicalAbi } from "./canonicalAbi.ts";
import { checkInt256 } from "./ranges.ts";
import { hexOf } from "./words.ts";

const SCALAR = ["int256"] as const;

/**
 * One real number in WAD: `abi.encode(int256)`.
 *
 * @throws OutOfRangeError when it does not fit an int256.
 */
export function encodeScalar(value: bigint): Hex {
  return hexOf(encodeRawScalar(value));
}

/**
 * As `encodeScalar`, as bytes.
 *
 * @throws OutOfRangeError.
 */
export function encodeRawScalar(value: bigint): Uint8Array {
  checkInt256("scalar", value);
  return encodeAbi(SCALAR, [value]);
}

/** @throws AbiDecodingError, NonCanonicalError. */
export function decodeScalar(output: Hex): bigint {
  return decodeCanonicalAbi(SCALAR, output, "scalar")[0];
}
