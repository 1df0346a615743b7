import { OutOfRangeError } from "../errors.ts";

const UINT32_MAX = 0xffff_ffff;
const UINT256_LIMIT = 1n << 256n;
const INT256_LIMIT = 1n << 255n;

/** Checks that a number fits Solidity's uint32. */
export function checkUint32(what: string, value: number): void {
  if (!Number.isInteger(value) || value < 0 || value > UINT32_MAX) {
    throw new OutOfRangeError(what, value, "uint32");
  }
}

/** Checks that a bigint fits Solidity's uint256. */
export function checkUint256(what: string, value: bigint): void {
  if (value < 0n || value >= UINT256_LIMIT) throw new OutOfRangeError(what, value, "uint256");
}

/** Checks that a bigint fits Solidity's int256. */
export function checkInt256(what: string, value: bigint): void {
  if (value < -INT256_LIMIT || value >= INT256_LIMIT) throw new OutOfRangeError(what, value, "int256");
}
