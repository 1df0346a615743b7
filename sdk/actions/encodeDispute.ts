import { encodeFunctionData, type Hex } from "viem";
import { juryArbiterAbi } from "../abi/juryArbiter.ts";
import type { Dispute } from "../dispute.ts";
import type { Proposal } from "../proposal.ts";
import type { RequestWords } from "../request.ts";
import { sortAttestations } from "./encodeSettle.ts";

/**
 * Calldata of a jury arbiter's `challenge`. Exactly the arbiter's `bondWei` is to be attached.
 *
 * @param proposal As `OutputProposed` logged it.
 */
export function encodeChallenge(request: RequestWords, proposal: Proposal): Hex {
  return encodeFunctionData({ abi: juryArbiterAbi, functionName: "challenge", args: [request, proposal] });
}

/**
 * Calldata of `resolve`, which ends a dispute with a jury's verdict.
 *
 * @param dispute As `ProposalChallenged` logged it.
 * @param output The bytes that the jury came to.
 * @param view The view that all attestations were signed in.
 * @param attestations Of the dispute's id: exactly one more than the request's committee, in any order.
 * @throws DuplicateSignerError when a juror stands there twice.
 * @throws InvalidSignatureError when a signature is malformed.
 */
export function encodeResolve(
  request: RequestWords,
  dispute: Dispute,
  output: Hex,
  view: number,
  attestations: readonly { operatorId: number; signature: Hex }[],
): Hex {
  return encodeFunctionData({
    abi: juryArbiterAbi,
    functionName: "resolve",
    args: [request, dispute, output, view, sortAttestations(attestations)],
  });
}

/** Calldata of `lapse`, which refunds a disputed request that no jury decided in time. */
export function encodeLapse(request: RequestWords, dispute: Dispute): Hex {
  return encodeFunctionData({ abi: juryArbiterAbi, functionName: "lapse", args: [request, dispute] });
}
