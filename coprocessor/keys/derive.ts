import { type Hex, keccak256, type LocalAccount } from "viem";

/** A domain of its own: no contract verifies it, and nothing that the protocol signs carries its name. */
const DERIVATION_DOMAIN = { name: "Sibyl key derivation", version: "1" } as const;
const DERIVATION_TYPES = { KeyDerivation: [{ name: "label", type: "string" }] } as const;

/**
 * 32 bytes that only the account's key can make: the hash of its signature over the label.
 *
 * Equal each time only if the account signs deterministically (RFC 6979). The signature itself never leaves this
 * function: whoever knew it would know the derived secret.
 */
export async function deriveSecret(
  account: Pick<LocalAccount, "signTypedData">,
  label: string,
): Promise<Hex> {
  const signature = await account.signTypedData({
    domain: DERIVATION_DOMAIN,
    types: DERIVATION_TYPES,
    primaryType: "KeyDerivation",
    message: { label },
  });
  return keccak256(signature);
}
