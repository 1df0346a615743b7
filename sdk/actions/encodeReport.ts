import { type Address, encodeFunctionData, type Hex } from "viem";
import { operatorRegistryAbi } from "../abi/operatorRegistry.ts";
import type { RequestWords } from "../request.ts";
import { toCompactSignature } from "../signature.ts";

/** One attestation as its operator signed it. */
export interface SignedAttestation {
  view: number;
  outputHash: Hex;
  /** 65 bytes. */
  signature: Hex;
}

/** Two attestations of one operator for one request that no honest operator can have signed. */
export interface EquivocationEvidence {
  oracle: Address;
  /** What both name: a request's id, or a dispute's. */
  requestId: Hex;
  /** Binds the model to the request; of use across views only. */
  request: RequestWords;
  first: SignedAttestation;
  second: SignedAttestation;
}

/**
 * Calldata that proves an equivocation to the operator registry: `slashEquivocation` for one view,
 * `slashCrossViewEquivocation` for two, which counts for `exact` models only. Whoever sends it is the reporter.
 *
 * @throws InvalidSignatureError when a signature is malformed.
 */
export function encodeReport({ oracle, requestId, request, first, second }: EquivocationEvidence): Hex {
  const abi = operatorRegistryAbi;
  const [one, other] = [signedOutput(first), signedOutput(second)];
  if (first.view === second.view) {
    const args = [oracle, requestId, first.view, one, other] as const;
    return encodeFunctionData({ abi, functionName: "slashEquivocation", args });
  }
  const args = [oracle, request, first.view, one, second.view, other] as const;
  return encodeFunctionData({ abi, functionName: "slashCrossViewEquivocation", args });
}

const signedOutput = ({ outputHash, signature }: SignedAttestation) => ({
  outputHash,
  ...toCompactSignature(signature),
});
