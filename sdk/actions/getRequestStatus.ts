import type { Address, Chain, Client, Hex, Transport } from "viem";
import { readContract } from "viem/actions";
import { inferenceOracleAbi } from "../abi/inferenceOracle.ts";
import { OutOfRangeError } from "../errors.ts";

/** In the order of Solidity's `RequestStatus`. */
export const REQUEST_STATUSES = [
  "none",
  "open",
  "proposed",
  "settled",
  "callbackFailed",
  "challenged",
] as const;

/**
 * Where a request stands on chain. `none` covers one that never opened and one that was refunded; `proposed` has an output
 * that may still be challenged, `challenged` one that its arbiter decides about; `callbackFailed` is settled and paid,
 * and can be redelivered.
 */
export type RequestStatus = (typeof REQUEST_STATUSES)[number];

/** Where a request stands on chain; one `eth_call`. */
export async function getRequestStatus(
  client: Client<Transport, Chain | undefined>,
  { oracle, requestId }: { oracle: Address; requestId: Hex },
): Promise<RequestStatus> {
  const code = await readContract(client, {
    abi: inferenceOracleAbi,
    address: oracle,
    functionName: "status",
    args: [requestId],
  });
  const status = REQUEST_STATUSES[code];
  if (!status) throw new OutOfRangeError("request status", code, `0 to ${REQUEST_STATUSES.length - 1}`);
  return status;
}
