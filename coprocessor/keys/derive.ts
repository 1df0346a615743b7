import { keccak256 } from "@sibyl/sdk/keccak256";
import { concat, domainSeparator, type Hex, stringToHex } from "viem";
import type { SignPreimage } from "./preimageAccount.ts";

/** A domain of its own: no contract verifies it, and nothing that the protocol signs carries its name. */
const DERIVATION_DOMAIN = domainSeparator({ domain: { name: "Sibyl key derivation", version: "1" } });
const DERIVATION_TYPE = keccak256(stringToHex("KeyDerivation(string label)"));

/**
 * 32 bytes that only the signer's key can make: the hash of its signature over the label, as EIP-712 typed data.
 *
 * Equal each time only if the signer is deterministic (RFC 6979). The signature itself never leaves this function:
 * whoever knew it would know the derived secret.
 */
export async function deriveSecret(sign: SignPreimage, label: string): Promise<Hex> {
  const struct = keccak256(concat([DERIVATION_TYPE, keccak256(stringToHex(label))]));
  return keccak256(await sign(concat(["0x1901", DERIVATION_DOMAIN, struct])));
}
