import type { Hex } from "viem";
import { encodeAbi } from "./abi.ts";
import { decodeRawBytes } from "./bytes.ts";
import type { Encoding } from "./canonicalAbi.ts";
import { InvalidTextError } from "./errors.ts";
import { hexOf } from "./words.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * A string: `abi.encode(string)`. Input and output.
 *
 * @throws InvalidTextError when the string has a lone surrogate, which UTF-8 cannot carry.
 */
export function encodeText(text: string): Hex {
  return hexOf(encodeRawText(text));
}

/**
 * As `encodeText`, as bytes.
 *
 * @throws InvalidTextError.
 */
export function encodeRawText(text: string): Uint8Array {
  const lone = /\p{Surrogate}/u.exec(text);
  if (lone) {
    throw new InvalidTextError("The string has a lone surrogate.", { details: `at index ${lone.index}` });
  }
  // Solidity encodes string and bytes alike. Going through bytes keeps a leading byte order mark.
  return encodeAbi(["bytes"], [encoder.encode(text)]);
}

/** @throws AbiDecodingError, NonCanonicalError, InvalidTextError when the bytes are no UTF-8. */
export function decodeText(bytes: Encoding): string {
  const utf8 = decodeRawBytes(bytes);
  try {
    return decoder.decode(utf8);
  } catch (cause) {
    throw new InvalidTextError("The bytes are no UTF-8.", { details: `${utf8.length} bytes`, cause });
  }
}
