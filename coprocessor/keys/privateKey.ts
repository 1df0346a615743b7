import { isHex, keccak256 } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { CoprocessorError } from "../core/errors.ts";
import type { AttesterKey } from "./port.ts";

/** A domain of its own: no contract verifies it, and nothing that the protocol signs carries its name. */
const DERIVATION_DOMAIN = { name: "Sibyl key derivation", version: "1" } as const;
const DERIVATION_TYPES = { KeyDerivation: [{ name: "label", type: "string" }] } as const;

/**
 * Takes an attester's private key as it stands in the environment: 32 bytes of hex, with or without `0x`.
 *
 * `derive(label)` is the hash of the key's deterministic (RFC 6979) signature over the label. The signature itself
 * never leaves this function: whoever knew it would know the derived secret.
 *
 * @throws CoprocessorError `keys/invalid`; the message never holds any of the input.
 */
export function createPrivateKeySigner(hex: string): AttesterKey {
  const trimmed = hex.trim();
  const key = trimmed.startsWith("0x") ? trimmed : `0x${trimmed}`;
  if (!isHex(key) || key.length !== 66) {
    throw invalid(
      `A private key is 32 bytes of hex (64 digits after an optional 0x); ${key.length - 2} characters given.`,
    );
  }
  const account = accountOf(key);
  return {
    address: account.address,
    account,
    async derive(label) {
      const signature = await account.signTypedData({
        domain: DERIVATION_DOMAIN,
        types: DERIVATION_TYPES,
        primaryType: "KeyDerivation",
        message: { label },
      });
      return keccak256(signature);
    },
  };
}

function accountOf(key: `0x${string}`) {
  try {
    return privateKeyToAccount(key);
  } catch {
    // The library's error may quote the key; it is not passed on as a cause.
    throw invalid("The private key is outside the curve's range (zero, or not below the group order).");
  }
}

function invalid(message: string): CoprocessorError {
  return new CoprocessorError(message, { code: "keys/invalid", retry: "never" });
}
