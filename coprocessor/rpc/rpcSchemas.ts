import { type Address, getAddress, type Hex } from "viem";
import { z } from "zod";

/** Even-length hex data of any size. */
export const hexData = z
  .string()
  .regex(/^0x([0-9a-fA-F]{2})*$/, "is not hex data")
  .transform((value) => value.toLowerCase() as Hex);

/** 32 bytes. */
export const hash32 = z
  .string()
  .regex(/^0x[0-9a-fA-F]{64}$/, "is not a 32-byte hash")
  .transform((value) => value.toLowerCase() as Hex);

export const addressHex = z
  .string()
  .regex(/^0x[0-9a-fA-F]{40}$/, "is not an address")
  .transform((value): Address => getAddress(value));

/** A JSON-RPC quantity. */
export const quantity = z
  .string()
  .regex(/^0x[0-9a-fA-F]{1,64}$/, "is not a quantity")
  .transform((value) => BigInt(value));

/** A JSON-RPC quantity that fits a JavaScript number exactly. */
export const smallQuantity = quantity
  .refine((value) => value <= BigInt(Number.MAX_SAFE_INTEGER), "is above 2^53")
  .transform((value) => Number(value));
