import type { Hex } from "viem";

/*
 * Reading and writing the few ABI layouts of the codecs by hand. viem's decoder serves every type there is, and takes
 * twenty times as long; an operator does this for every request. What is not read here as canonical goes to
 * `decodeCanonicalAbi`, which names what is wrong.
 */

/** Bytes of an ABI word. */
export const WORD = 32;

const DIGITS = "0123456789abcdef";
const NO_DIGIT = 0xff;
const DIGIT_OF_CODE = Uint8Array.from({ length: 128 }, (_, code) => {
  const digit = DIGITS.indexOf(String.fromCharCode(code).toLowerCase());
  return digit === -1 ? NO_DIGIT : digit;
});
const CODE_OF_DIGIT = Uint8Array.from(DIGITS, (digit) => digit.charCodeAt(0));
const ascii = new TextDecoder("latin1");

const INT64_LEAST = -(1n << 63n);
const INT64_LIMIT = 1n << 63n;

/** The words of an encoding; null when it is no hex string of whole words. */
export function wordsOf(encoding: Hex): DataView | null {
  const digits = encoding.length - 2;
  if (digits % (2 * WORD) !== 0 || !encoding.startsWith("0x")) return null;
  const bytes = new Uint8Array(digits / 2);
  for (let index = 0, at = 2; index < bytes.length; index += 1, at += 2) {
    const high = DIGIT_OF_CODE[encoding.charCodeAt(at)] ?? NO_DIGIT;
    const low = DIGIT_OF_CODE[encoding.charCodeAt(at + 1)] ?? NO_DIGIT;
    // A digit is below 16, so that what is none shows in the upper half.
    if ((high | low) > 0xf) return null;
    bytes[index] = (high << 4) | low;
  }
  return new DataView(bytes.buffer);
}

/** Bytes in lower-case hex. */
export function hexOf({ buffer }: DataView): Hex {
  const bytes = new Uint8Array(buffer);
  const codes = new Uint8Array(2 + 2 * bytes.length);
  codes[0] = 0x30;
  codes[1] = 0x78;
  for (let index = 0, at = 2; index < bytes.length; index += 1) {
    const byte = bytes[index] as number;
    codes[at++] = CODE_OF_DIGIT[byte >> 4] as number;
    codes[at++] = CODE_OF_DIGIT[byte & 0xf] as number;
  }
  return ascii.decode(codes) as Hex;
}

/** So many words, all zero. */
export const emptyWords = (count: number): DataView => new DataView(new ArrayBuffer(count * WORD));

/** Whole words that so many bytes take. */
export const wordsFor = (bytes: number): number => Math.ceil(bytes / WORD);

/** A word's value when it fits a uint32; null when it does not, or lies beyond the end. */
export function readUint32(words: DataView, offset: number): number | null {
  if (offset + WORD > words.byteLength) return null;
  for (let at = offset; at < offset + 28; at += 4) if (words.getUint32(at) !== 0) return null;
  return words.getUint32(offset + 28);
}

/** A word as int256. */
export function readInt256(words: DataView, offset: number): bigint {
  const sign = words.getInt32(offset + 24) >> 31;
  let isShort = true;
  for (let at = offset; at < offset + 24; at += 4) isShort &&= words.getInt32(at) === sign;
  if (isShort) return words.getBigInt64(offset + 24);
  let value = words.getBigInt64(offset);
  for (let at = offset + 8; at < offset + WORD; at += 8) value = (value << 64n) | words.getBigUint64(at);
  return value;
}

/** Writes an int256 or uint256; the caller has checked its range. */
export function writeWord(words: DataView, offset: number, value: bigint | number): void {
  if (typeof value === "number") {
    words.setUint32(offset + 28, value);
    return;
  }
  words.setBigUint64(offset + 24, BigInt.asUintN(64, value));
  if (value >= INT64_LEAST && value < INT64_LIMIT) {
    if (value < 0n) for (let at = offset; at < offset + 24; at += 4) words.setInt32(at, -1);
    return;
  }
  let rest = value >> 64n;
  for (let at = offset + 16; at >= offset; at -= 8, rest >>= 64n) {
    words.setBigUint64(at, BigInt.asUintN(64, rest));
  }
}

/** Whether everything from `offset` on is `count` bytes of data and then zeros up to the last word's end, and no more. */
export function endsWithBytes(words: DataView, offset: number, count: number): boolean {
  if (words.byteLength !== offset + wordsFor(count) * WORD) return false;
  for (let at = offset + count; at < words.byteLength; at += 1) if (words.getUint8(at) !== 0) return false;
  return true;
}
