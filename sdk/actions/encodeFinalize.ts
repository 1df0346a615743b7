import { encodeFunctionData, type Hex } from "viem";
import { inferenceOracleAbi } from "../abi/inferenceOracle.ts";
import type { Proposal } from "../proposal.ts";
import type { RequestWords } from "../request.ts";

/**
 * Calldata of `finalize`, which settles a request once its challenge window is over.
 *
 * @param proposal As `OutputProposed` logged it.
 * @param output The bytes that it names.
 */
export function encodeFinalize(request: RequestWords, proposal: Proposal, output: Hex): Hex {
  return encodeFunctionData({
    abi: inferenceOracleAbi,
    functionName: "finalize",
    args: [request, proposal, output],
  });
}
