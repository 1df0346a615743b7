import { type Address, type Hex, isAddressEqual, type Log, parseEventLogs } from "viem";
import { inferenceOracleAbi } from "../abi/inferenceOracle.ts";
import { type RequestFields, type RequestWords, unpackRequest } from "../request.ts";

/** A request as its log tells it: all that later calls need. */
export interface OpenedRequest {
  oracle: Address;
  requestId: Hex;
  /** The five words, as `expire` and `redeliver` take them. */
  words: RequestWords;
  /** The words taken apart. */
  fields: RequestFields;
  /** The encoded input. */
  input: Hex;
  blockNumber: bigint;
  transactionHash: Hex;
}

/**
 * The requests that a transaction opened, in order; the way from an app's own contract call to its request ids.
 *
 * @param logs Of a transaction receipt.
 * @param oracle Only this oracle's; a log of any other contract could say anything.
 */
export function openedRequests(logs: readonly Log[], oracle: Address): OpenedRequest[] {
  const own = logs.filter((log) => isAddressEqual(log.address, oracle));
  return parseEventLogs({ abi: inferenceOracleAbi, eventName: "RequestOpened", logs: own }).map((log) => ({
    oracle: log.address,
    requestId: log.args.requestId,
    words: log.args.request,
    fields: unpackRequest(log.args.request),
    input: log.args.input,
    blockNumber: log.blockNumber as bigint,
    transactionHash: log.transactionHash as Hex,
  }));
}
