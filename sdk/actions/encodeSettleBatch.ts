import { decodeFunctionData, encodeFunctionData, type Hex } from "viem";
import { inferenceOracleAbi } from "../abi/inferenceOracle.ts";
import { SibylError } from "../errors.ts";
import { requestId } from "../request.ts";

/** Calldata of another of the oracle's functions than the one that is read here. */
export class WrongFunctionError extends SibylError {
  override readonly name: string = "WrongFunctionError";
}

/**
 * Calldata of `settleBatch`, which settles several requests in one transaction; one that is refused does not hold up the
 * others, and says why in a `SettlementRefused` event.
 *
 * @param settlements Calldata of one `settle` each, as `encodeSettle` makes it.
 * @throws WrongFunctionError for calldata of something else.
 */
export function encodeSettleBatch(settlements: readonly Hex[]): Hex {
  const items = settlements.map((data) => {
    const call = decodeFunctionData({ abi: inferenceOracleAbi, data });
    if (call.functionName !== "settle")
      throw new WrongFunctionError("This is no settlement.", { details: call.functionName });
    const [request, output, view, attestations] = call.args;
    return { request, output, viewNumber: Number(view), attestations };
  });
  return encodeFunctionData({ abi: inferenceOracleAbi, functionName: "settleBatch", args: [items] });
}

/**
 * Ids of the requests that a `settleBatch` brings, in order.
 *
 * @throws WrongFunctionError for calldata of something else.
 */
export function requestsInBatch(data: Hex): Hex[] {
  const call = decodeFunctionData({ abi: inferenceOracleAbi, data });
  if (call.functionName !== "settleBatch")
    throw new WrongFunctionError("This is no batch of settlements.", { details: call.functionName });
  return call.args[0].map(({ request }) => requestId(request));
}
