import { encodeAbiParameters, type Hex, isHex } from "viem";
import { decodeCanonicalAbi } from "./canonicalAbi.ts";
import { AbiDecodingError } from "./errors.ts";
import { endsWithBytes, readUint32, WORD, wordsOf } from "./words.ts";

const BYTES = [{ type: "bytes" }] as const;
/** Of the data, behind its offset and its length. */
const DATA_OFFSET = 2 * WORD;

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
  const data = canonicalData(input);
  if (data === null) return decodeCanonicalAbi(BYTES, input, "bytes")[0];
  const start = 2 + 2 * DATA_OFFSET;
  return `0x${input.slice(start, start + 2 * data.length).toLowerCase()}`;
}

/**
 * As `decodeBytes`, as bytes.
 *
 * @throws AbiDecodingError, NonCanonicalError.
 */
export function decodeRawBytes(input: Hex): Uint8Array {
  const data = canonicalData(input);
  if (data !== null) return data;
  // Throws, because what is canonical was read above.
  decodeCanonicalAbi(BYTES, input, "bytes");
  throw new AbiDecodingError("The bytes are no ABI encoding of a bytes.");
}

function canonicalData(input: Hex): Uint8Array | null {
  const words = typeof input === "string" ? wordsOf(input) : null;
  const length = words && readUint32(words, 0) === WORD ? readUint32(words, WORD) : null;
  if (words === null || length === null || !endsWithBytes(words, DATA_OFFSET, length)) return null;
  return new Uint8Array(words.buffer, DATA_OFFSET, length);
}
