import { decodeFunctionData, encodeFunctionData, getAbiItem, type Hex, toFunctionSelector } from "viem";
import { inferenceOracleAbi } from "../abi/inferenceOracle.ts";
import { SibylError } from "../errors.ts";
import { requestId } from "../request.ts";

// Alone, because to find a function in the whole ABI costs a hash for each that it is not.
const settle = getAbiItem({ abi: inferenceOracleAbi, name: "settle" });
const settleBatch = getAbiItem({ abi: inferenceOracleAbi, name: "settleBatch" });
const SETTLE = toFunctionSelector(settle);
const SETTLE_BATCH = toFunctionSelector(settleBatch);

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
    if (data.slice(0, 10).toLowerCase() !== SETTLE)
      throw new WrongFunctionError("This is no settlement.", { details: nameOf(data) });
    const [request, output, view, attestations] = decodeFunctionData({ abi: [settle], data }).args;
    return { request, output, viewNumber: Number(view), attestations };
  });
  return encodeFunctionData({ abi: [settleBatch], functionName: "settleBatch", args: [items] });
}

/**
 * Ids of the requests that a `settleBatch` brings, in order.
 *
 * @throws WrongFunctionError for calldata of something else.
 */
export function requestsInBatch(data: Hex): Hex[] {
  if (data.slice(0, 10).toLowerCase() !== SETTLE_BATCH)
    throw new WrongFunctionError("This is no batch of settlements.", { details: nameOf(data) });
  const [items] = decodeFunctionData({ abi: [settleBatch], data }).args;
  return items.map(({ request }) => requestId(request));
}

/** @throws viem's error for a function that is not the oracle's. */
const nameOf = (data: Hex): string => decodeFunctionData({ abi: inferenceOracleAbi, data }).functionName;
