import { secp256k1 } from "@noble/curves/secp256k1.js";
import { secp256k1Binding } from "./secp256k1Binding.ts";

const binding = secp256k1Binding;

/**
 * Recovers the uncompressed public key (65 bytes, 0x04 first) that signed a digest.
 *
 * @param compact r and s, 32 bytes each, in range and with s in the lower half: the caller checks.
 * @param parity 0 or 1
 * @throws when no key signed it.
 */
export type EcdsaRecover = (compact: Uint8Array, parity: 0 | 1, digest: Uint8Array) => Uint8Array;

/** Pure JavaScript, everywhere. */
export const nobleRecover: EcdsaRecover = (compact, parity, digest) => {
  const signature = secp256k1.Signature.fromBytes(compact, "compact").addRecoveryBit(parity);
  return signature.recoverPublicKey(digest).toBytes(false);
};

/** About 30 times faster; null where there is no binding. */
export const nativeRecover: EcdsaRecover | null =
  binding === null ? null : (compact, parity, digest) => binding.ecdsaRecover(compact, parity, digest, false);

/** The fastest there is here. */
export const ecdsaRecover: EcdsaRecover = nativeRecover ?? nobleRecover;
