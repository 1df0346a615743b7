import { keccak256 } from "@sibyl/sdk/keccak256";
import { type Hex, hexToBytes } from "viem";

/** A header's bloom: 2048 bits, the last one first. */
const BYTES = 256;

/** Bits that an address or a topic sets (Yellow Paper, M3:2048): three, by the low 11 bits of the hash's first three pairs. */
function bitsOf(item: Hex): number[] {
  const hash = hexToBytes(keccak256(item));
  return [0, 2, 4].map((place) => (((hash[place] ?? 0) << 8) | (hash[place + 1] ?? 0)) & 0x7ff);
}

/** Whether a bloom may hold an item: false is certain, true may be chance. */
export function bloomHas(bloom: Hex, item: Hex): boolean {
  const bytes = hexToBytes(bloom);
  return bitsOf(item).every((bit) => ((bytes[BYTES - 1 - (bit >> 3)] ?? 0) >> (bit & 7)) & 1);
}

/** The bloom that a block with exactly these logs has. */
export function bloomOf(logs: readonly { address: Hex; topics: readonly Hex[] }[]): Hex {
  const bytes = new Uint8Array(BYTES);
  // A block's logs are mostly of the same few contracts and events.
  for (const item of new Set(logs.flatMap(({ address, topics }) => [address, ...topics])))
    for (const bit of bitsOf(item))
      bytes[BYTES - 1 - (bit >> 3)] = (bytes[BYTES - 1 - (bit >> 3)] ?? 0) | (1 << (bit & 7));
  return `0x${Buffer.from(bytes).toString("hex")}`;
}

/** Some chains leave every bloom empty; then it says nothing. */
export const isEmptyBloom = (bloom: Hex): boolean => /^0x0*$/.test(bloom);
