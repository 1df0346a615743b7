import { openedRequests } from "@sibyl/sdk";
import { type Hex, keccak256, toHex } from "viem";
import { author } from "../network/devAccounts.ts";
import type { BenchConsumer, BenchNetwork } from "./benchNetwork.ts";

/** A gas price of our own, below the consumer's cap, so that a repaid amount says how much gas it was for. */
const GAS_PRICE_WEI = 5_000_000_000n;

/** The fees that every benched transaction bids. */
export const price = () => ({ maxFeePerGas: GAS_PRICE_WEI, maxPriorityFeePerGas: GAS_PRICE_WEI });

/** 32 bytes that look like data; hardly any of a hash's bytes is a cheap zero. */
export const word = (text: string): Hex => keccak256(toHex(text));

/** Opens a request of `consumer` for the network's model, and mines a block after it. */
export async function ask({ client, protocol, modelId }: BenchNetwork, consumer: BenchConsumer, input: Hex) {
  const cost = await client.reader.readContract({
    ...consumer,
    functionName: "inferenceCost",
    args: [modelId, BigInt(input.length / 2 - 1)],
  });
  const hash = await client
    .as(author())
    .writeContract({ ...consumer, functionName: "ask", args: [input], value: cost as bigint });
  const receipt = await client.mined(hash, "a request");
  const [request] = openedRequests(receipt.logs, protocol.oracle);
  if (request === undefined) throw new Error(`transaction ${hash} opened no request`);
  // The draw needs the hash of the request's block, so a block must follow before the gas of a settlement is estimated.
  await client.reader.request({ method: "evm_mine" as never, params: [] as never });
  return { receipt, request };
}
