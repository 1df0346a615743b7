import type { Address } from "viem";
import { addressFromBits, addressToBits } from "./address.ts";
import { packBits, unpackBits } from "./bits.ts";

/** One operator's seat for one model (`contracts/types/Enrolment.sol`). */
export interface EnrolmentFields {
  attester: Address;
  /** Units of 1e12 wei of stake; 0 when there is no seat. */
  weight: bigint;
  /** Unix seconds; requests opened before it do not count the seat. */
  activeFrom: number;
}

const ENROLMENT = [
  ["attester", 160],
  ["weight", 56],
  ["activeFrom", 40],
] as const;

/** Takes a packed seat apart. */
export function unpackEnrolment(word: bigint): EnrolmentFields {
  const fields = unpackBits(ENROLMENT, word);
  return {
    attester: addressFromBits(fields.attester),
    weight: fields.weight,
    activeFrom: Number(fields.activeFrom),
  };
}

/** Packs a seat; the inverse of `unpackEnrolment`. */
export function packEnrolment(fields: EnrolmentFields): bigint {
  return packBits(ENROLMENT, {
    attester: addressToBits(fields.attester),
    weight: fields.weight,
    activeFrom: BigInt(fields.activeFrom),
  });
}
