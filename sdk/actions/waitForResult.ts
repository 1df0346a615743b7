import type { Address, BlockNumber, BlockTag, Chain, Client, Hex, Transport } from "viem";
import { getRequestStatus, type RequestStatus } from "./getRequestStatus.ts";
import { getResult, type RequestResult } from "./getResult.ts";
import { WaitForResultTimeoutError } from "./oracleErrors.ts";
import { pause } from "./pause.ts";

export interface WaitForResultParameters {
  oracle: Address;
  requestId: Hex;
  /** A block not after the request's own; all blocks by default, which public RPC endpoints may refuse. */
  fromBlock?: BlockNumber | BlockTag;
  /** The client's polling interval by default. */
  pollingIntervalMs?: number;
  /** Ten minutes by default. Nobody expires a request by itself, so without a limit this could wait for ever. */
  timeoutMs?: number;
  /** Stops waiting; the promise rejects with the signal's reason. */
  signal?: AbortSignal;
}

const TEN_MINUTES_MS = 600_000;

/**
 * Waits until a request is settled or expired.
 *
 * Polls `status`, which every endpoint answers, and reads logs only at the end. The result stands in the latest
 * block; a reorg may still undo it, so wait for finality before anything that cannot be undone.
 *
 * @throws WaitForResultTimeoutError with the last status when `timeoutMs` is over.
 */
export async function waitForResult(
  client: Client<Transport, Chain | undefined>,
  parameters: WaitForResultParameters,
): Promise<RequestResult> {
  const { oracle, requestId, pollingIntervalMs = client.pollingInterval, signal } = parameters;
  const timeoutMs = parameters.timeoutMs ?? TEN_MINUTES_MS;
  const giveUpAt = Date.now() + timeoutMs;
  let status: RequestStatus;
  do {
    signal?.throwIfAborted();
    status = await getRequestStatus(client, { oracle, requestId });
    // `none` may mean expired, or that this endpoint has not seen the request yet.
    if (status !== "open" && status !== "proposed" && status !== "challenged") {
      const result = await getResult(client, parameters);
      if (result) return result;
    }
    await pause(Math.max(0, Math.min(pollingIntervalMs, giveUpAt - Date.now())), signal);
  } while (Date.now() < giveUpAt);
  throw new WaitForResultTimeoutError("The request has no result yet.", {
    details: `${requestId} is ${status} after ${timeoutMs} ms`,
  });
}
