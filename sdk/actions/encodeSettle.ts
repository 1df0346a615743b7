import { encodeFunctionData, type Hex } from "viem";
import { inferenceOracleAbi } from "../abi/inferenceOracle.ts";
import { SibylError } from "../errors.ts";
import type { RequestWords } from "../request.ts";
import { type CompactSignature, toCompactSignature } from "../signature.ts";

/** One operator's attestation as `settle` takes it. */
export interface AttestationEntry extends CompactSignature {
  operatorId: number;
}

/** One operator attests twice; the oracle would refuse it. */
export class DuplicateSignerError extends SibylError {
  override readonly name: string = "DuplicateSignerError";
}

/**
 * Attestations in the order and form that `settle` wants: increasing operator ids, compact signatures.
 *
 * @param attestations 65-byte signatures, in any order.
 * @throws DuplicateSignerError when an operator stands there twice.
 * @throws InvalidSignatureError when a signature is malformed.
 */
export function sortAttestations(
  attestations: readonly { operatorId: number; signature: Hex }[],
): AttestationEntry[] {
  const sorted = [...attestations].sort((a, b) => a.operatorId - b.operatorId);
  for (const [index, { operatorId }] of sorted.entries()) {
    if (index > 0 && sorted[index - 1]?.operatorId === operatorId) {
      throw new DuplicateSignerError("An operator attests twice.", { details: `operator ${operatorId}` });
    }
  }
  return sorted.map(({ operatorId, signature }) => ({ operatorId, ...toCompactSignature(signature) }));
}

/**
 * Calldata of `settle`.
 *
 * @param view The view that all attestations were signed in.
 * @param attestations Exactly the request's quorum of them, in any order.
 */
export function encodeSettle(
  request: RequestWords,
  output: Hex,
  view: number,
  attestations: readonly { operatorId: number; signature: Hex }[],
): Hex {
  return encodeFunctionData({
    abi: inferenceOracleAbi,
    functionName: "settle",
    args: [request, output, BigInt(view), sortAttestations(attestations)],
  });
}
