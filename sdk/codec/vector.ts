import { encodeAbiParameters, type Hex } from "viem";
import { decodeCanonicalAbi } from "./canonicalAbi.ts";
import { checkInt256 } from "./ranges.ts";

const VECTOR = [{ type: "int256[]" }] as const;

/**
 * Real numbers in WAD: `abi.encode(int256[])`. Input and output.
 *
 * @throws OutOfRangeError when one does not fit an int256.
 */
export function encodeVector(values: readonly bigint[]): Hex {
  for (const [index, value] of values.entries()) checkInt256(`vector[${index}]`, value);
  return encodeAbiParameters(VECTOR, [values]);
}

/** @throws AbiDecodingError, NonCanonicalError. */
export function decodeVector(bytes: Hex): readonly bigint[] {
  return decodeCanonicalAbi(VECTOR, bytes, "vector")[0];
}
