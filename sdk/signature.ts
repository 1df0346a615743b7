import { type Hex, isHex, size, slice, toHex } from "viem";
import { SibylError } from "./errors.ts";

/** An ECDSA signature in EIP-2098's two words: `vs` is s with the parity in its highest bit. */
export interface CompactSignature {
  r: Hex;
  vs: Hex;
}

/** The bytes are no ECDSA signature that the chain would take. */
export class InvalidSignatureError extends SibylError {
  override readonly name: string = "InvalidSignatureError";
}

const PARITY_BIT = 1n << 255n;
const SECP256K1_HALF_N = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n;

/**
 * Turns a 65-byte signature (r, s, v) into the form that `settle` takes.
 *
 * @throws InvalidSignatureError on another length, a `v` other than 27, 28, 0, 1, or an `s` in the upper half of
 * the curve order (malleable, so the oracle refuses it).
 */
export function toCompactSignature(signature: Hex): CompactSignature {
  if (!isHex(signature) || size(signature) !== 65 || signature.length !== 132) {
    throw new InvalidSignatureError("A signature is 65 bytes of hex.", { details: String(signature) });
  }
  const v = Number(slice(signature, 64, 65));
  const parity = v >= 27 ? v - 27 : v;
  if (parity !== 0 && parity !== 1) {
    throw new InvalidSignatureError("A signature's last byte is 27, 28, 0 or 1.", { details: `v is ${v}` });
  }
  const s = BigInt(slice(signature, 32, 64));
  if (s > SECP256K1_HALF_N) {
    throw new InvalidSignatureError("The signature's s is in the upper half.", { details: toHex(s) });
  }
  return {
    r: slice(signature, 0, 32),
    vs: toHex(s | (parity === 1 ? PARITY_BIT : 0n), { size: 32 }),
  };
}

/** Turns the compact form back into 65 bytes with `v` 27 or 28. */
export function fromCompactSignature({ r, vs }: CompactSignature): Hex {
  const word = BigInt(vs);
  const s = toHex(word & (PARITY_BIT - 1n), { size: 32 });
  const v = (word & PARITY_BIT) === 0n ? "1b" : "1c";
  return `${r}${s.slice(2)}${v}`;
}
