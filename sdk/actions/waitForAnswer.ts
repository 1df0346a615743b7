import type { Address, Chain, Client, Transport } from "viem";
import { getBlock } from "viem/actions";
import { getRequestStatus } from "./getRequestStatus.ts";
import { getResult, type RequestResult } from "./getResult.ts";
import type { OpenedRequest } from "./openedRequests.ts";
import { pause } from "./pause.ts";

/** The deadline has passed and nobody answered: `expire` refunds the payment now. */
export interface OverdueResult {
  status: "overdue";
  request: OpenedRequest;
}

export interface WaitForAnswerParameters {
  oracle: Address;
  /** As `openedRequests` found it in the receipt. */
  request: OpenedRequest;
  /** The client's polling interval by default. */
  pollingIntervalMs?: number;
  /** Stops waiting; the promise rejects with the signal's reason. */
  signal?: AbortSignal;
}

/**
 * Waits until a request is settled or expired, or until its deadline has passed by the chain's clock: then nobody can
 * answer any more, and it is for the app to call `expire`. A proposed or challenged answer is waited for, whatever the
 * deadline.
 */
export async function waitForAnswer(
  client: Client<Transport, Chain | undefined>,
  { oracle, request, pollingIntervalMs = client.pollingInterval, signal }: WaitForAnswerParameters,
): Promise<RequestResult | OverdueResult> {
  const { requestId, blockNumber, fields } = request;
  for (;;) {
    signal?.throwIfAborted();
    // The clock first: what is still open after it was read is open at that time.
    const { timestamp } = await getBlock(client, { blockTag: "latest" });
    const status = await getRequestStatus(client, { oracle, requestId });
    // `none` may mean expired, or that this endpoint has not seen the request yet.
    if (status === "open") {
      if (timestamp > BigInt(fields.deadline)) return { status: "overdue", request };
    } else if (status !== "proposed" && status !== "challenged") {
      const result = await getResult(client, { oracle, requestId, fromBlock: blockNumber });
      if (result) return result;
    }
    await pause(pollingIntervalMs, signal);
  }
}
