import { keccak256 } from "@sibyl/sdk/keccak256";
import { type Address, type Hex, hexToBytes, isHex } from "viem";
import { privateKeyToAddress } from "viem/accounts";
import { CoprocessorError } from "../core/errors.ts";
import { deriveSecret } from "./derive.ts";
import { type EcdsaSign, ecdsaSign } from "./ecdsaSign.ts";
import type { AttesterKey } from "./port.ts";
import { preimageAccount } from "./preimageAccount.ts";

/**
 * Takes an attester's private key as it stands in the environment: 32 bytes of hex, with or without `0x`.
 *
 * @param engine The fastest there is, when not given.
 * @throws CoprocessorError `keys/invalid`; the message never holds any of the input.
 */
export function createPrivateKeySigner(hex: string, engine: EcdsaSign = ecdsaSign): AttesterKey {
  const trimmed = hex.trim();
  const key = trimmed.startsWith("0x") ? trimmed : `0x${trimmed}`;
  if (!isHex(key) || key.length !== 66) {
    throw invalid(
      `A private key is 32 bytes of hex (64 digits after an optional 0x); ${key.length - 2} characters given.`,
    );
  }
  const address = addressOf(key);
  const bytes = hexToBytes(key);
  const sign = async (preimage: Hex): Promise<Hex> => {
    const { compact, parity } = engine(hexToBytes(keccak256(preimage)), bytes);
    return `0x${Buffer.from(compact).toString("hex")}${parity === 0 ? "1b" : "1c"}`;
  };
  return {
    address,
    account: preimageAccount(address, sign),
    sign,
    derive: (label) => deriveSecret(sign, label),
  };
}

function addressOf(key: Hex): Address {
  try {
    return privateKeyToAddress(key);
  } catch {
    // The library's error may quote the key; it is not passed on as a cause.
    throw invalid("The private key is outside the curve's range (zero, or not below the group order).");
  }
}

function invalid(message: string): CoprocessorError {
  return new CoprocessorError(message, { code: "keys/invalid", retry: "never" });
}
