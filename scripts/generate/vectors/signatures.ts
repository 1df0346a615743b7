import {
  attestationDigest,
  attestationTypedData,
  attesterConsentDigest,
  attesterConsentTypedData,
  commitDigest,
  commitmentHash,
  commitTypedData,
  outputHash,
  toCompactSignature,
} from "@sibyl/sdk";
import { getAddress, type Hex } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { address, word } from "./draw.ts";

// The first two of anvil's public keys.
const KEYS: Hex[] = [
  "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
  "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
];

/** Digests and signatures of everything that operators sign. */
export async function signatureVectors(): Promise<Record<string, object>> {
  const attestations: object[] = [];
  const commits: object[] = [];
  const consents: object[] = [];
  const chainIds = [31_337, 1, 8_453];
  for (const [index, chainId] of chainIds.entries()) {
    for (const privateKey of KEYS) {
      const account = privateKeyToAccount(privateKey);
      const who = { privateKey, signer: account.address };
      const oracle = getAddress(address(`oracle ${index}`));
      const registry = getAddress(address(`registry ${index}`));
      const requestHash = word(`request ${index}`);
      const output = `0x${"00".repeat(31)}01${word(`output ${index}`).slice(2)}` as const;
      const answer = outputHash(output);

      const attestation = { requestHash, outputHash: answer, view: [0, 1, 4_294_967_295][index] as number };
      const signed = await account.signTypedData(attestationTypedData({ chainId, oracle }, attestation));
      attestations.push({
        ...who,
        chainId,
        oracle,
        output,
        ...attestation,
        digest: attestationDigest({ chainId, oracle }, attestation),
        signature: signed,
        ...toCompactSignature(signed),
      });

      const opening = {
        requestHash,
        operatorId: [1, 7, 4_294_967_295][index] as number,
        outputHash: answer,
        salt: word(`salt ${index} ${account.address}`),
      };
      const commit = { requestHash, commitment: commitmentHash(opening) };
      const sealed = await account.signTypedData(commitTypedData({ chainId, oracle }, commit));
      commits.push({
        ...who,
        chainId,
        oracle,
        ...opening,
        ...commit,
        digest: commitDigest({ chainId, oracle }, commit),
        signature: sealed,
        ...toCompactSignature(sealed),
      });

      const consent = { owner: getAddress(address(`owner ${index}`)), attester: account.address };
      const agreed = await account.signTypedData(attesterConsentTypedData({ chainId, registry }, consent));
      consents.push({
        ...who,
        chainId,
        registry,
        ...consent,
        digest: attesterConsentDigest({ chainId, registry }, consent),
        signature: agreed,
      });
    }
  }
  return {
    attestation: { cases: attestations },
    commit: { cases: commits },
    attesterConsent: { cases: consents },
  };
}
