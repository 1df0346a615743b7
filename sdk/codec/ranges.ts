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

/** Checks that a bigint fits Solidity's uint256. @param index Its place, where it is one of many. */
export function checkUint256(what: string, value: bigint, index?: number): void {
  if (value < 0n || value >= UINT256_LIMIT) throw new OutOfRangeError(placed(what, index), value, "uint256");
}

/** Checks that a bigint fits Solidity's int256. @param index Its place, where it is one of many. */
export function checkInt256(what: string, value: bigint, index?: number): void {
  if (value < -INT256_LIMIT || value >= INT256_LIMIT)
    throw new OutOfRangeError(placed(what, index), value, "int256");
}

const placed = (what: string, index?: number) => (index === undefined ? what : `${what}[${index}]`);
