import { encodeAbiParameters, type Hex } from "viem";
import { decodeCanonicalAbi } from "./canonicalAbi.ts";
import { checkInt256 } from "./ranges.ts";

const SCALAR = [{ type: "int256" }] as const;

/**
 * One real number in WAD: `abi.encode(int256)`.
 *
 * @throws OutOfRangeError when it does not fit an int256.
 */
export function encodeScalar(value: bigint): Hex {
  checkInt256("scalar", value);
  return encodeAbiParameters(SCALAR, [value]);
}

/** @throws AbiDecodingError, NonCanonicalError. */
export function decodeScalar(output: Hex): bigint {
  return decodeCanonicalAbi(SCALAR, output, "scalar")[0];
}
