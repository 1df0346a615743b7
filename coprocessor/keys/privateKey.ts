import { isHex } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { CoprocessorError } from "../core/errors.ts";
import { deriveSecret } from "./derive.ts";
import type { AttesterKey } from "./port.ts";

/**
 * Takes an attester's private key as it stands in the environment: 32 bytes of hex, with or without `0x`.
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
    derive: (label) => deriveSecret(account, label),
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
