import { decode, encode } from "cborg";
import { isAddress } from "viem";
import { z } from "zod";
import type { SignedPeerRecord } from "../core/peerRecord.ts";
import { fromHex, toHex } from "./hexBytes.ts";

/** Addresses in a record, and characters of each. */
export const MAX_RECORD_ADDRESSES = 4;
const MAX_ADDRESS_LENGTH = 256;
/** Of a whole record on the wire; a larger one is not read to its end. */
export const MAX_RECORD_BYTES = 2_048;

const bytesOf = (length: number) =>
  z
    .instanceof(Uint8Array)
    .refine((bytes) => bytes.length === length, `not ${length} bytes`)
    .transform(toHex);
const seconds = z
  .int()
  .min(0)
  .max(2 ** 40);

const schema = z.strictObject({
  chainId: z.int().min(1),
  oracle: bytesOf(20).refine((hex) => isAddress(hex, { strict: false })),
  peerId: z.string().min(1).max(128),
  operatorId: z.int().min(1).max(0xffff_ffff),
  addresses: z.array(z.string().min(1).max(MAX_ADDRESS_LENGTH)).max(MAX_RECORD_ADDRESSES),
  issuedAt: seconds,
  expiresAt: seconds,
  signature: bytesOf(65),
});

export type DecodedRecord = { ok: true; record: SignedPeerRecord } | { ok: false; detail: string };

/** CBOR; hex travels as bytes. */
export const encodeRecord = (record: SignedPeerRecord): Uint8Array =>
  encode({ ...record, oracle: fromHex(record.oracle), signature: fromHex(record.signature) });

/** Never throws, whatever the bytes. */
export function decodeRecord(bytes: Uint8Array): DecodedRecord {
  if (bytes.length > MAX_RECORD_BYTES)
    return { ok: false, detail: `${bytes.length} bytes, limit ${MAX_RECORD_BYTES}` };
  try {
    const fields: unknown = decode(bytes, {
      strict: true,
      allowIndefinite: false,
      rejectDuplicateMapKeys: true,
    });
    const parsed = schema.safeParse(fields);
    if (parsed.success) return { ok: true, record: parsed.data };
    const [issue] = parsed.error.issues;
    return { ok: false, detail: `${issue?.path.join(".") || "record"}: ${issue?.message}` };
  } catch (error) {
    return { ok: false, detail: error instanceof Error ? error.message : String(error) };
  }
}
