import { type Hex, keccak256 as portableKeccak256 } from "viem";

/** Keccak-256, as Ethereum has it, of bytes or of the bytes that a hex string names. */
export type Keccak256 = (value: Hex | Uint8Array) => Hex;

let inUse: Keccak256 = portableKeccak256;

/** The hash that all of this package takes; in JavaScript, unless the process has brought a faster one. */
export const keccak256: Keccak256 = (value) => inUse(value);

/**
 * Has this process hash with an implementation of its own: an operator hashes several times for each message that it hears.
 *
 * @throws Error for one that does not give what Keccak-256 gives.
 */
export function hashWith(implementation: Keccak256): void {
  for (const value of [new Uint8Array(), new Uint8Array(300).fill(7), "0x", "0x61626380"] as const)
    if (implementation(value) !== portableKeccak256(value))
      throw new Error("the implementation does not compute Keccak-256");
  inUse = implementation;
}
