import { randomBytes } from "node:crypto";
import { createRequire } from "node:module";

/** What is used of the native binding of libsecp256k1. */
interface Secp256k1Binding {
  ecdsaRecover(signature: Uint8Array, parity: number, digest: Uint8Array, compressed: boolean): Uint8Array;
  ecdsaSign(digest: Uint8Array, privateKey: Uint8Array): { signature: Uint8Array; recid: number };
  contextRandomize(seed: Uint8Array): void;
}

/**
 * libsecp256k1; null where the package ships no binary (Linux on ARM64, for one).
 *
 * The binding is loaded directly: the package's own fallback is `elliptic`, slower than noble and with a history of
 * signature flaws.
 */
export const secp256k1Binding: Secp256k1Binding | null = load();

function load(): Secp256k1Binding | null {
  try {
    const binding = createRequire(import.meta.url)("secp256k1/bindings.js") as Secp256k1Binding;
    // Blinds what signing computes with the private key, against whoever can measure it; no signature changes.
    binding.contextRandomize(randomBytes(32));
    return binding;
  } catch {
    return null;
  }
}
