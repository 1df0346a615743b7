import { keccak256 } from "@sibyl/sdk/keccak256";
import {
  type Address,
  getAddress,
  type HashTypedDataParameters,
  type Hex,
  hashTypedData,
  hexToBytes,
  type TypedData,
} from "viem";
import { type EcdsaRecover, ecdsaRecover } from "./ecdsaRecover.ts";

/** Half the order of secp256k1: a higher s is the malleable twin of a lower one. */
const HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n;
const SIGNATURE = /^0x[0-9a-fA-F]{130}$/;
const DIGEST = /^0x[0-9a-fA-F]{64}$/;

/**
 * Says who signed a digest, by the rules that the contracts have: 65 bytes (r, s, v), s in the lower half, v 27 or
 * 28. So each message has exactly one valid signature encoding per signer.
 *
 * @returns the signer's checksummed address, or undefined when the bytes are no such signature. Never throws.
 */
export function recoverDigest(
  digest: Hex,
  signature: Hex,
  recover: EcdsaRecover = ecdsaRecover,
): Address | undefined {
  if (!DIGEST.test(digest) || !SIGNATURE.test(signature)) return undefined;
  const v = Number.parseInt(signature.slice(130), 16);
  if (v !== 27 && v !== 28) return undefined;
  const r = BigInt(signature.slice(0, 66));
  const s = BigInt(`0x${signature.slice(66, 130)}`);
  if (r === 0n || s === 0n || s > HALF_ORDER) return undefined;
  try {
    const compact = hexToBytes(signature).subarray(0, 64);
    const publicKey = recover(compact, v === 27 ? 0 : 1, hexToBytes(digest));
    return getAddress(`0x${keccak256(publicKey.subarray(1)).slice(26)}`);
  } catch {
    // No point of the curve fits r, or the recovered key is the point at infinity.
    return undefined;
  }
}

/**
 * Says who signed typed data; see `recoverDigest`.
 *
 * @returns undefined also when the message does not fit its types.
 */
export function recoverTypedDataSigner<
  const Types extends TypedData | Record<string, unknown>,
  PrimaryType extends keyof Types | "EIP712Domain",
>(typedData: HashTypedDataParameters<Types, PrimaryType>, signature: Hex): Address | undefined {
  if (!SIGNATURE.test(signature)) return undefined;
  let digest: Hex;
  try {
    digest = hashTypedData(typedData);
  } catch {
    return undefined;
  }
  return recoverDigest(digest, signature);
}
