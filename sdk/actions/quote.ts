import type { Address, Chain, Client, Hex, Transport } from "viem";
import { readContract } from "viem/actions";
import { inferenceOracleAbi } from "../abi/inferenceOracle.ts";
import { withRevertReasons } from "./explainRevert.ts";

/** How much assurance a request buys. */
export interface Policy {
  /** Operators that are asked to start at once. */
  committeeSize: number;
  /** Agreeing attestations that settle the request, 1 to 8. */
  quorum: number;
  /** Seconds in which a proposed output may be challenged; 0 settles at once. */
  challengeWindow: number;
}

export interface QuoteParameters {
  oracle: Address;
  modelId: Hex;
  /** Bytes of the encoded input. */
  inputSize: number;
  policy: Policy;
  callbackGasLimit: number;
  /** Wei; the gas reserve covers settling up to this price. */
  maxGasPrice: bigint;
}

/** The itemised cost of a request. */
export interface Quote {
  /** What the fee is paid in; the zero address is the chain's native coin. */
  token: Address;
  /** Token units, for `quorum` executions. */
  executions: bigint;
  /** Token units, for the input's size. */
  inputSurcharge: bigint;
  /** `executions + inputSurcharge`: what `maxFee` is compared with. */
  fee: bigint;
  royalty: bigint;
  protocolShare: bigint;
  /** Wei kept for the settlement's gas; the unused part comes back as credit. */
  gasReserve: bigint;
  /** Wei to attach: `gasReserve`, and `fee` when the token is native. */
  nativeTotal: bigint;
}

/**
 * What a request would cost now.
 *
 * @throws CallRevertedError when the oracle would not take it, for example `ModelNotActive`.
 */
export async function quote(
  client: Client<Transport, Chain | undefined>,
  { oracle, modelId, inputSize, policy, callbackGasLimit, maxGasPrice }: QuoteParameters,
): Promise<Quote> {
  return withRevertReasons(() =>
    readContract(client, {
      abi: inferenceOracleAbi,
      address: oracle,
      functionName: "quote",
      args: [modelId, BigInt(inputSize), policy, BigInt(callbackGasLimit), maxGasPrice],
    }),
  );
}
