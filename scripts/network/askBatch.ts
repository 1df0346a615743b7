import { inferenceOracleAbi, type OpenedRequest, openedRequests, type Policy, quote } from "@sibyl/sdk";
import { type Hex, parseGwei, size } from "viem";
import { author } from "./devAccounts.ts";
import type { Network } from "./startNetwork.ts";

/** Gas for a callback to whoever asks, who has no code here. */
const CALLBACK_GAS = 50_000;
const MAX_GAS_PRICE_WEI = parseGwei("20");

export interface Question {
  modelId: Hex;
  /** Encoded. */
  input: Hex;
}

export interface BatchTerms {
  policy: Policy;
  /** From the latest block until the requests' deadline. */
  lifetimeSeconds: number;
  /** 50,000 when not given. */
  callbackGasLimit?: number;
}

/**
 * Asks so many questions in one transaction, so that they open in one block; pays what the oracle quotes.
 *
 * @returns The requests, in the order of their questions.
 */
export async function askBatch(
  { client, protocol: { oracle } }: Pick<Network, "client" | "protocol">,
  questions: readonly Question[],
  { policy, lifetimeSeconds, callbackGasLimit = CALLBACK_GAS }: BatchTerms,
): Promise<OpenedRequest[]> {
  const { timestamp } = await client.reader.getBlock();
  const common = { policy, maxGasPrice: MAX_GAS_PRICE_WEI };
  const quotes = new Map<string, ReturnType<typeof quote>>();
  const quoted = ({ modelId, input }: Question) => {
    const inputSize = size(input);
    const name = `${modelId}/${inputSize}`;
    const known =
      quotes.get(name) ?? quote(client.reader, { ...common, oracle, modelId, inputSize, callbackGasLimit });
    quotes.set(name, known);
    return known;
  };
  const costs = await Promise.all(questions.map(quoted));
  const params = questions.map(({ modelId, input }, place) => ({
    ...common,
    modelId,
    input,
    callbackGasLimit: BigInt(callbackGasLimit),
    deadline: Number(timestamp) + lifetimeSeconds,
    maxFee: costs[place]?.fee ?? 0n,
  }));
  const hash = await client.as(author()).writeContract({
    abi: inferenceOracleAbi,
    address: oracle,
    functionName: "requestBatch",
    args: [params],
    value: costs.reduce((sum, { nativeTotal }) => sum + nativeTotal, 0n),
  });
  const { logs } = await client.mined(hash, "a batch of requests");
  return openedRequests(logs, oracle);
}
