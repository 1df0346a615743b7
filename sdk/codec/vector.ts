import type { Hex } from "viem";
import { decodeCanonicalAbi } from "./canonicalAbi.ts";
import { checkInt256 } from "./ranges.ts";
import { emptyWords, hexOf, readInt256, readUint32, WORD, wordsOf, writeWord } from "./words.ts";

const VECTOR = [{ type: "int256[]" }] as const;

/**
 * Real numbers in WAD: `abi.encode(int256[])`. Input and output.
 *
 * @throws OutOfRangeError when one does not fit an int256.
 */
export function encodeVector(values: readonly bigint[]): Hex {
  for (const [index, value] of values.entries()) checkInt256(`vector[${index}]`, value);
  const words = emptyWords(2 + values.length);
  writeWord(words, 0, WORD);
  writeWord(words, WORD, values.length);
  for (const [index, value] of values.entries()) writeWord(words, (2 + index) * WORD, value);
  return hexOf(words);
}

/** @throws AbiDecodingError, NonCanonicalError. */
export function decodeVector(bytes: Hex): readonly bigint[] {
  const words = typeof bytes === "string" ? wordsOf(bytes) : null;
  const count = words && readUint32(words, 0) === WORD ? readUint32(words, WORD) : null;
  if (words === null || count === null || words.byteLength !== (2 + count) * WORD) {
    return decodeCanonicalAbi(VECTOR, bytes, "vector")[0];
  }
  return Array.from({ length: count }, (_, index) => readInt256(words, (2 + index) * WORD));
}
