import { keccak256 } from "@sibyl/sdk/keccak256";
import { concatHex, type Hex, hexToBigInt } from "viem";

/**
 * Whether a case falls into a sample of a share of all.
 *
 * The same after a restart, and nobody who lacks the seed can tell which ones do.
 *
 * @param seed 32 bytes that only this node can make.
 * @param about 32 bytes: a request's id, or a proof's.
 * @param share 0 to 1.
 */
export function isSampled(seed: Hex, about: Hex, share: number): boolean {
  if (share >= 1) return true;
  const ticket = hexToBigInt(keccak256(concatHex([seed, about]))) >> 204n;
  return Number(ticket) < share * 2 ** 52;
}
