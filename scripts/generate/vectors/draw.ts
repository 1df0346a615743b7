import { type Hex, hexToBigInt, keccak256, stringToBytes } from "viem";

/** 32 bytes that follow from a label alone, so that the vectors are the same in every run. */
export function word(label: string): Hex {
  return keccak256(stringToBytes(`sibyl vector: ${label}`));
}

/** An unsigned number of at most `bits` bits that follows from a label alone. */
export function uint(label: string, bits: number): bigint {
  return hexToBigInt(word(label)) >> BigInt(256 - bits);
}

/** An address that follows from a label alone. */
export function address(label: string): Hex {
  return `0x${word(label).slice(-40)}`;
}
