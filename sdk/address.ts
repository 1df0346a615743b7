import { type Address, getAddress, type Hex, isAddress, toHex } from "viem";
import { SibylError } from "./errors.ts";

/** The checksummed address in the low 160 bits of a number. */
export function addressFromBits(bits: bigint): Address {
  return getAddress(toHex(bits, { size: 20 }));
}

/** An address as a number, to be packed. */
export function addressToBits(address: Address): bigint {
  if (!isAddress(address, { strict: false })) {
    throw new SibylError("Not an address.", { details: String(address satisfies Hex) });
  }
  return BigInt(address);
}
