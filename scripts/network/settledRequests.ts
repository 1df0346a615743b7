import { inferenceOracleAbi } from "@sibyl/sdk";
import type { Hex } from "viem";
import type { Network } from "./startNetwork.ts";

/** Of all settlements since the oracle exists, by the chain: which request each was of, in their order. */
export async function settledRequests({
  client,
  protocol,
}: Pick<Network, "client" | "protocol">): Promise<Hex[]> {
  const events = await client.reader.getContractEvents({
    abi: inferenceOracleAbi,
    address: protocol.oracle,
    eventName: "RequestSettled",
    fromBlock: protocol.startBlock,
    strict: true,
  });
  return events.map(({ args }) => args.requestId);
}
