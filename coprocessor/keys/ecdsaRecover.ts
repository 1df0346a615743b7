import { createRequire } from "node:module";
import { secp256k1 } from "@noble/curves/secp256k1.js";

/**
 * Recovers the uncompressed public key (65 bytes, 0x04 first) that signed a digest.
 *
 * @param compact r and s, 32 bytes each, in range and with s in the lower half: the caller checks.
 * @param parity 0 or 1
 * @throws when no key signed it.
 */
export type EcdsaRecover = (compact: Uint8Array, parity: 0 | 1, digest: Uint8Array) => Uint8Array;

/** The package's native binding; its JavaScript fallback is passed over on purpose. */
interface Secp256k1Binding {
  ecdsaRecover(signature: Uint8Array, parity: number, digest: Uint8Array, compressed: boolean): Uint8Array;
}

/** Pure JavaScript, everywhere. */
export const nobleRecover: EcdsaRecover = (compact, parity, digest) => {
  const signature = secp256k1.Signature.fromBytes(compact, "compact").addRecoveryBit(parity);
  return signature.recoverPublicKey(digest).toBytes(false);
};

/**
 * libsecp256k1, about 30 times faster; null where the package ships no binary (Linux on ARM64, for one).
 *
 * The binding is loaded directly: the package's own fallback is `elliptic`, slower than noble and with a history of
 * signature-check flaws.
 */
export const nativeRecover: EcdsaRecover | null = loadNative();

/** The fastest there is here. */
export const ecdsaRecover: EcdsaRecover = nativeRecover ?? nobleRecover;

function loadNative(): EcdsaRecover | null {
  try {
    const binding = createRequire(import.meta.url)("secp256k1/bindings.js") as Secp256k1Binding;
    return (compact, parity, digest) => binding.ecdsaRecover(compact, parity, digest, false);
  } catch {
    return null;
  }
}
