import type { Hex } from "viem";

export const toHex = (bytes: Uint8Array): Hex =>
  `0x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex")}`;

/**
 * `Buffer` stops silently at the first wrong digit, so its length tells a bad string.
 *
 * @throws Error for anything but a hex string of whole bytes.
 */
export function fromHex(hex: Hex): Uint8Array {
  const bytes = Buffer.from(hex.slice(2), "hex");
  if (!hex.startsWith("0x") || bytes.length * 2 !== hex.length - 2)
    throw new Error("not a hex string of whole bytes");
  return bytes;
}
