import type { Address, BlockNumber, BlockTag, Chain, Client, Hex, Transport } from "viem";
import { getContractEvents } from "viem/actions";
import { inferenceOracleAbi } from "../abi/inferenceOracle.ts";
import { type OpenedRequest, openedRequests } from "./openedRequests.ts";
import { RequestNotFoundError } from "./oracleErrors.ts";

export interface GetRequestParameters {
  oracle: Address;
  requestId: Hex;
  /** Where to start searching; all blocks by default, which public RPC endpoints may refuse. */
  fromBlock?: BlockNumber | BlockTag;
}

/**
 * Finds a request by its id.
 *
 * @throws RequestNotFoundError when no log from `fromBlock` on says that it opened.
 */
export async function getRequest(
  client: Client<Transport, Chain | undefined>,
  { oracle, requestId, fromBlock = "earliest" }: GetRequestParameters,
): Promise<OpenedRequest> {
  const logs = await getContractEvents(client, {
    abi: inferenceOracleAbi,
    address: oracle,
    eventName: "RequestOpened",
    args: { requestId },
    fromBlock,
    toBlock: "latest",
    strict: true,
  });
  const [request] = openedRequests(logs, oracle);
  if (!request) {
    throw new RequestNotFoundError("No such request opened.", {
      details: `${requestId} at oracle ${oracle} from block ${fromBlock}`,
    });
  }
  return request;
}
