import type { Hex } from "viem";
import { encodeAbi } from "./abi.ts";
import { decodeCanonicalAbi, type Encoding, partOf } from "./canonicalAbi.ts";
import { AbiDecodingError } from "./errors.ts";
import { bytesOf, hexOf } from "./words.ts";

const BYTES = ["bytes"] as const;

/** Raw bytes: `abi.encode(bytes)`. Input only. */
export function encodeBytes(value: Hex): Hex {
  const bytes = bytesOf(value);
  if (bytes === null) {
    throw new AbiDecodingError("A bytes input is a string of hex bytes.", {
      details: String(value).slice(0, 140),
    });
  }
  return hexOf(encodeAbi(BYTES, [bytes]));
}

/** @throws AbiDecodingError, NonCanonicalError. */
export function decodeBytes(input: Hex): Hex {
  return partOf(input, decodeRawBytes(input));
}

/**
 * As `decodeBytes`, as bytes: a part of those given, or of their own.
 *
 * @throws AbiDecodingError, NonCanonicalError.
 */
export function decodeRawBytes(input: Encoding): Uint8Array {
  return decodeCanonicalAbi(BYTES, input, "bytes")[0];
}
