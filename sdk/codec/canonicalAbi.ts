import type { Hex } from "viem";
import { type AbiType, type AbiValues, decodeAbi } from "./abi.ts";
import { AbiDecodingError, NonCanonicalError } from "./errors.ts";
import { hexOf } from "./words.ts";

/** An encoding as hex digits, or as bytes. */
export type Encoding = Hex | Uint8Array;

/**
 * Decodes ABI values and takes only what `abi.encode` would have produced.
 *
 * @throws AbiDecodingError when the bytes do not decode.
 * @throws NonCanonicalError when they do, but encoding the values again gives other bytes.
 */
export function decodeCanonicalAbi<const Types extends readonly AbiType[]>(
  types: Types,
  encoding: Encoding,
  codec: string,
): AbiValues<Types> {
  const decoded = decodeAbi(types, encoding);
  if (decoded.kind === "values") return decoded.values;
  const bytes = encoding instanceof Uint8Array ? hexOf(encoding) : encoding;
  if (decoded.kind === "outside") {
    throw new AbiDecodingError(`The bytes are no ABI encoding of a ${codec}.`, { details: preview(bytes) });
  }
  throw new NonCanonicalError(`The bytes are not the canonical encoding of a ${codec}.`, {
    details: `${(bytes.length - 2) / 2} bytes: ${preview(bytes)}`,
  });
}

/** The hex digits of a part of an encoding, as `decodeCanonicalAbi` gave it for the digits. */
export function partOf(encoding: Hex, { byteOffset, length }: Uint8Array): Hex {
  const start = 2 + 2 * byteOffset;
  return `0x${encoding.slice(start, start + 2 * length).toLowerCase()}`;
}

function preview(bytes: unknown): string {
  const text = String(bytes);
  return text.length > 140 ? `${text.slice(0, 140)}…` : text;
}
