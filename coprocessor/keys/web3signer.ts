import { keccak256 } from "@sibyl/sdk/keccak256";
import type { Address, Hex } from "viem";
import { publicKeyToAddress } from "viem/accounts";
import { z } from "zod";
import { CoprocessorError } from "../core/errors.ts";
import { deriveSecret } from "./derive.ts";
import type { AttesterKey } from "./port.ts";
import { preimageAccount } from "./preimageAccount.ts";
import { recoverDigest } from "./recover.ts";

export interface Web3signerOptions {
  /** Where web3signer's eth1 mode listens. */
  url: string;
  /** Which of its keys is the attester's. */
  address: Address;
  /** Milliseconds for one signature; 10,000 when not given. */
  timeoutMs?: number;
}

const publicKeys = z.array(
  z
    .string()
    .regex(/^0x(04)?[0-9a-fA-F]{128}$/, "is not a secp256k1 public key")
    .transform((text) => text as Hex),
);

const signatureText = z
  .string()
  .trim()
  .regex(/^0x[0-9a-fA-F]{128}(1b|1c|00|01)$/i, "is not a signature of 65 bytes")
  .transform((text) => {
    const parity = Number.parseInt(text.slice(130), 16) % 27;
    return `${text.slice(0, 130).toLowerCase()}${parity === 0 ? "1b" : "1c"}` as Hex;
  });

/**
 * An attester key that never leaves its signer: web3signer's eth1 API (`/api/v1/eth1`), which hashes what it is given
 * with keccak256 and signs that. The same call signs typed data and transactions.
 *
 * Every signature is checked against the address before it is used.
 *
 * @throws CoprocessorError `keys/signer-unreachable` (while the signer is down, also later, with each signature),
 * `keys/signer-refused`, `keys/unknown-key` when the signer does not hold the address, `keys/not-deterministic` when it
 * signs one message in two ways: the salts of commitments are made from signatures, and would be lost.
 */
export async function createWeb3signerKey(options: Web3signerOptions): Promise<AttesterKey> {
  const { address } = options;
  const base = options.url.replace(/\/+$/, "");
  const timeoutMs = options.timeoutMs ?? 10_000;

  const held = publicKeys.safeParse(jsonOf(await call("GET", "/api/v1/eth1/publicKeys")));
  if (!held.success) throw refused("its list of keys is something else");
  const identifier = held.data.find((key) => publicKeyToAddress(uncompressed(key)) === address);
  if (identifier === undefined) {
    throw new CoprocessorError(`The signer holds ${held.data.length} keys, and none is that of ${address}.`, {
      code: "keys/unknown-key",
      retry: "never",
      meta: { address, keys: held.data.length },
    });
  }

  const key: AttesterKey = {
    address,
    account: preimageAccount(address, sign),
    sign,
    derive: (label) => deriveSecret(sign, label),
  };
  const [once, again] = [await key.derive("probe"), await key.derive("probe")];
  if (once !== again) {
    throw new CoprocessorError(
      "The signer signs one message in two ways; commitments need deterministic signatures (RFC 6979).",
      { code: "keys/not-deterministic", retry: "never", meta: { address } },
    );
  }
  return key;

  /** Signs `keccak256(preimage)`. */
  async function sign(preimage: Hex): Promise<Hex> {
    const answer = await call("POST", `/api/v1/eth1/sign/${identifier}`, { data: preimage });
    // Some versions answer with a JSON string, some with bare text.
    const parsed = signatureText.safeParse(answer.trim().replace(/^"|"$/g, ""));
    if (!parsed.success) throw refused("its answer is no signature");
    const signer = recoverDigest(keccak256(preimage), parsed.data);
    if (signer !== address) throw refused(`it signed as ${signer ?? "nobody"} in place of ${address}`);
    return parsed.data;
  }

  async function call(method: "GET" | "POST", path: string, body?: object): Promise<string> {
    let response: Response;
    let text: string;
    try {
      response = await fetch(`${base}${path}`, {
        method,
        ...(body === undefined
          ? {}
          : { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
        redirect: "error",
        signal: AbortSignal.timeout(timeoutMs),
      });
      text = await response.text();
    } catch (error) {
      const cause = error instanceof Error ? error : undefined;
      throw new CoprocessorError(
        `The signer at ${hostOf(base)} does not answer: ${causeOf(cause) ?? String(error)}`,
        { code: "keys/signer-unreachable", retry: "backoff", meta: { host: hostOf(base) }, cause },
      );
    }
    if (response.ok) return text;
    throw refused(`it answered ${response.status} to ${method} ${path.split("/").slice(0, 5).join("/")}`);
  }

  function refused(reason: string): CoprocessorError {
    return new CoprocessorError(`The signer at ${hostOf(base)} is of no use: ${reason}.`, {
      code: "keys/signer-refused",
      retry: "backoff",
      meta: { host: hostOf(base), address },
    });
  }
}

const uncompressed = (key: Hex): Hex => (key.length === 130 ? `0x04${key.slice(2)}` : key);

function hostOf(url: string): string {
  return new URL(url).host;
}

function causeOf(error: Error | undefined): string | undefined {
  return error?.cause instanceof Error ? error.cause.message : error?.message;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
