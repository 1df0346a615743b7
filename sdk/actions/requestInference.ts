import { type Account, type Address, type Chain, type Client, type Hex, size, type Transport } from "viem";
import { simulateContract, writeContract } from "viem/actions";
import { inferenceOracleAbi } from "../abi/inferenceOracle.ts";
import { checkOracle } from "./checkOracle.ts";
import { withRevertReasons } from "./explainRevert.ts";
import { type Policy, type Quote, quote } from "./quote.ts";
import { type SenderParameters, sendingAccount } from "./sendingAccount.ts";

export interface RequestInferenceParameters extends SenderParameters {
  oracle: Address;
  modelId: Hex;
  /** Encoded by the model's input codec. */
  input: Hex;
  policy: Policy;
  /** Gas that the sender's callback gets, exactly; 0 for an account without code. */
  callbackGasLimit: number;
  /** Unix seconds after which the request can only expire. */
  deadline: number;
  /** Wei; highest gas price that the gas reserve reimburses. */
  maxGasPrice: bigint;
  /** Token units; the fee quoted now by default. */
  maxFee?: bigint;
  /** Wei to attach; what the quote says by default. Less is taken from the sender's credit. */
  value?: bigint;
}

/**
 * Sends a request from an account, whose answer is then on chain to read and to verify. A contract asks by itself.
 *
 * Checks the oracle, quotes and simulates first, so that what would revert is an error before anything is sent.
 * `openedRequests` finds the request's id in the receipt.
 *
 * @throws NoAccountError, NoOracleError, or CallRevertedError naming why the oracle would refuse.
 */
export async function requestInference(
  client: Client<Transport, Chain | undefined, Account | undefined>,
  parameters: RequestInferenceParameters,
): Promise<{ transactionHash: Hex; quote: Quote }> {
  const { oracle, modelId, input, policy, callbackGasLimit, deadline, maxGasPrice } = parameters;
  const account = sendingAccount(client, parameters.account);
  await checkOracle(client, { oracle });
  const cost = await quote(client, {
    oracle,
    modelId,
    inputSize: size(input),
    policy,
    callbackGasLimit,
    maxGasPrice,
  });
  const maxFee = parameters.maxFee ?? cost.fee;
  return withRevertReasons(async () => {
    const { request } = await simulateContract(client, {
      abi: inferenceOracleAbi,
      address: oracle,
      functionName: "request",
      args: [
        {
          modelId,
          input,
          policy,
          callbackGasLimit: BigInt(callbackGasLimit),
          deadline,
          maxGasPrice,
          maxFee,
        },
      ],
      value: parameters.value ?? cost.nativeTotal,
      account,
    });
    return { transactionHash: await writeContract(client, request as never), quote: cost };
  });
}
