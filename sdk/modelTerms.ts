import { packBits, unpackBits } from "./bits.ts";
import { OutOfRangeError } from "./errors.ts";

/** In the order of Solidity's `ModelStatus`. */
export const MODEL_STATUSES = ["unknown", "active", "retired"] as const;

/** `unknown` was never published; `retired` takes no new requests. */
export type ModelStatus = (typeof MODEL_STATUSES)[number];

/** What running a model costs (`contracts/types/ModelTerms.sol`). */
export interface ModelTermsFields {
  /** Token units. */
  pricePerExecution: bigint;
  /** Token units per started KiB of input. */
  pricePerKiB: bigint;
  royaltyBps: number;
  /** 0 is the chain's native coin. */
  tokenIndex: number;
  status: ModelStatus;
}

const MODEL_TERMS = [
  ["pricePerExecution", 96],
  ["pricePerKiB", 96],
  ["royaltyBps", 16],
  ["tokenIndex", 8],
  ["status", 8],
] as const;

/**
 * Takes a model's packed terms apart.
 *
 * @throws OutOfRangeError when the status is none that this version knows.
 */
export function unpackModelTerms(word: bigint): ModelTermsFields {
  const fields = unpackBits(MODEL_TERMS, word);
  const status = MODEL_STATUSES[Number(fields.status)];
  if (!status) throw new OutOfRangeError("model status", fields.status, `0 to ${MODEL_STATUSES.length - 1}`);
  return {
    pricePerExecution: fields.pricePerExecution,
    pricePerKiB: fields.pricePerKiB,
    royaltyBps: Number(fields.royaltyBps),
    tokenIndex: Number(fields.tokenIndex),
    status,
  };
}

/** Packs a model's terms; the inverse of `unpackModelTerms`. */
export function packModelTerms(fields: ModelTermsFields): bigint {
  return packBits(MODEL_TERMS, {
    pricePerExecution: fields.pricePerExecution,
    pricePerKiB: fields.pricePerKiB,
    royaltyBps: BigInt(fields.royaltyBps),
    tokenIndex: BigInt(fields.tokenIndex),
    status: BigInt(MODEL_STATUSES.indexOf(fields.status)),
  });
}
