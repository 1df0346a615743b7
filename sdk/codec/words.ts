import type { Hex } from "viem";

/*
 * Reading and writing ABI words by hand. viem's decoder serves every type there is, takes twenty times as long, and half a
 * second to load; an operator does this for every request, in every process that runs models.
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

/** The bytes of a hex string, in memory of their own; null when it is none. */
export function bytesOf(hex: unknown): Uint8Array<ArrayBuffer> | null {
  if (typeof hex !== "string" || hex.length % 2 !== 0 || !hex.startsWith("0x")) return null;
  const bytes = new Uint8Array(hex.length / 2 - 1);
  for (let index = 0, at = 2; index < bytes.length; index += 1, at += 2) {
    const high = DIGIT_OF_CODE[hex.charCodeAt(at)] ?? NO_DIGIT;
    const low = DIGIT_OF_CODE[hex.charCodeAt(at + 1)] ?? NO_DIGIT;
    // A digit is below 16, so that what is none shows in the upper half.
    if ((high | low) > 0xf) return null;
    bytes[index] = (high << 4) | low;
  }
  return bytes;
}

/** Bytes in lower-case hex. */
export function hexOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Hex {
  const bytes = new Uint8Array(buffer, byteOffset, byteLength);
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

/** A word as uint256. */
export function readUint256(words: DataView, offset: number): bigint {
  let value = words.getBigUint64(offset + 24);
  for (let at = 16, shift = 64n; at >= 0; at -= 8, shift += 64n) {
    const part = words.getBigUint64(offset + at);
    if (part !== 0n) value |= part << shift;
  }
  return value;
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
