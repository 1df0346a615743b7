import type { Address, Chain, Client, Hex, Transport } from "viem";
import { watchContractEvent } from "viem/actions";
import { inferenceOracleAbi } from "../abi/inferenceOracle.ts";
import { type OpenedRequest, openedRequests } from "./openedRequests.ts";

export interface WatchRequestsParameters {
  oracle: Address;
  /** Only requests of these consumers. */
  consumer?: Address | Address[];
  /** Only requests for these models. */
  modelId?: Hex | Hex[];
  fromBlock?: bigint;
  pollingIntervalMs?: number;
  onRequests: (requests: OpenedRequest[]) => void;
  onError?: (error: Error) => void;
}

/**
 * Calls back for each new request. For screens: a reorg is not told, and a request may come twice.
 *
 * @returns A function that stops watching.
 */
export function watchRequests(
  client: Client<Transport, Chain | undefined>,
  { oracle, consumer, modelId, fromBlock, pollingIntervalMs, onRequests, onError }: WatchRequestsParameters,
): () => void {
  return watchContractEvent(client, {
    abi: inferenceOracleAbi,
    address: oracle,
    eventName: "RequestOpened",
    args: { ...(consumer ? { consumer } : {}), ...(modelId ? { modelId } : {}) },
    ...(fromBlock === undefined ? {} : { fromBlock }),
    ...(pollingIntervalMs === undefined ? {} : { pollingInterval: pollingIntervalMs }),
    ...(onError ? { onError } : {}),
    onLogs: (logs) => onRequests(openedRequests(logs, oracle)),
  });
}
