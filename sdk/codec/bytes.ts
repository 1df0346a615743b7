import { encodeAbiParameters, type Hex, isHex } from "viem";
import { decodeCanonicalAbi } from "./canonicalAbi.ts";
import { AbiDecodingError } from "./errors.ts";

const BYTES = [{ type: "bytes" }] as const;

/** Raw bytes: `abi.encode(bytes)`. Input only. */
export function encodeBytes(value: Hex): Hex {
  if (!isHex(value) || value.length % 2 !== 0) {
    throw new AbiDecodingError("A bytes input is a string of hex bytes.", {
      details: String(value).slice(0, 140),
    });
  }
  return encodeAbiParameters(BYTES, [value.toLowerCase() as Hex]);
}

/** @throws AbiDecodingError, NonCanonicalError. */
export function decodeBytes(input: Hex): Hex {
  return decodeCanonicalAbi(BYTES, input, "bytes")[0];
}
