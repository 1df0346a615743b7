import {
  type Address,
  type Chain,
  type Client,
  encodeFunctionData,
  type Hex,
  hexToBytes,
  isAddressEqual,
  type Transport,
  zeroHash,
} from "viem";
import { call, getCode, readContract } from "viem/actions";
import { inferenceConsumerAbi } from "../abi/inferenceConsumer.ts";
import { checkOracle } from "./checkOracle.ts";
import { explainRevert } from "./explainRevert.ts";
import { CallbackGasTooLowError, CallRevertedError, NoConsumerError } from "./oracleErrors.ts";
import { type Quote, quote } from "./quote.ts";

export interface CheckConsumerParameters {
  oracle: Address;
  /** A contract that inherits `InferenceConsumer`. */
  consumer: Address;
  /** The model that it asks. */
  modelId: Hex;
  /** Bytes of the encoded input; 0 when left out. */
  inputSize?: number;
  /** An output as the model gives it, to try the callback with; without one the callback is not tried. */
  output?: Hex;
  /** An open request of the consumer, for a callback that refuses ids that it does not know; zero when left out. */
  requestId?: Hex;
}

/** Gas for a callback that would do with more than its limit. */
const AMPLE_GAS = 10_000_000n;
const TRANSACTION_GAS = 21_000n;
const GAS_PER_BYTE = { zero: 4n, other: 16n };

/**
 * Makes sure, before anything is sent, that a consumer can ask and be answered: that it is a consumer of this oracle on
 * this chain, that its model and settings are accepted, and that its callback gets by with the gas that it asks for.
 *
 * @returns what a request of the consumer costs now.
 * @throws NoOracleError, NoConsumerError, CallRevertedError naming what the oracle or the callback refuses (for example
 * `ModelNotActive`), or CallbackGasTooLowError.
 */
export async function checkConsumer(
  client: Client<Transport, Chain | undefined>,
  parameters: CheckConsumerParameters,
): Promise<Quote> {
  const { oracle, consumer, modelId, inputSize = 0, output, requestId = zeroHash } = parameters;
  await checkOracle(client, { oracle });
  const settings = await settingsOf(client, oracle, consumer);
  const { policy, callbackGasLimit, maxGasPrice } = settings;
  const cost = await quote(client, { oracle, modelId, inputSize, policy, callbackGasLimit, maxGasPrice });
  if (cost.fee > settings.maxFee) {
    throw new CallRevertedError(
      "FeeAboveMaximum",
      `The fee is ${cost.fee}, more than the ${settings.maxFee} that the consumer agrees to.`,
      undefined,
    );
  }
  if (output !== undefined)
    await tryCallback(client, { oracle, consumer, callbackGasLimit, requestId, output });
  return cost;
}

async function settingsOf(client: Client<Transport, Chain | undefined>, oracle: Address, consumer: Address) {
  const code = await getCode(client, { address: consumer });
  if (code === undefined || code === "0x") {
    throw new NoConsumerError("There is no contract at the consumer's address.", { details: consumer });
  }
  const contract = { abi: inferenceConsumerAbi, address: consumer } as const;
  const [own, settings] = await Promise.all([
    readContract(client, { ...contract, functionName: "oracle" }),
    readContract(client, { ...contract, functionName: "inferenceSettings" }),
  ]).catch((cause: unknown) => {
    throw new NoConsumerError("The contract at the consumer's address is no InferenceConsumer.", {
      details: consumer,
      cause,
    });
  });
  if (!isAddressEqual(own, oracle)) {
    throw new NoConsumerError("The consumer asks another oracle.", {
      details: `${consumer} asks ${own}, not ${oracle}`,
    });
  }
  return settings;
}

interface Callback {
  oracle: Address;
  consumer: Address;
  callbackGasLimit: number;
  requestId: Hex;
  output: Hex;
}

/** Calls `onInference` as the oracle would, without sending anything. */
async function tryCallback(
  client: Client<Transport, Chain | undefined>,
  { oracle, consumer, callbackGasLimit, requestId, output }: Callback,
): Promise<void> {
  const data = encodeFunctionData({
    abi: inferenceConsumerAbi,
    functionName: "onInference",
    args: [requestId, output],
  });
  const attempt = (gas: bigint) =>
    call(client, { account: oracle, to: consumer, data, gas: gas + intrinsicGas(data) }).then(
      () => null,
      (error: unknown) => error ?? new Error("the call failed"),
    );
  if ((await attempt(BigInt(callbackGasLimit))) === null) return;
  const refusal = await attempt(AMPLE_GAS);
  if (refusal === null) {
    throw new CallbackGasTooLowError("The callback needs more gas than the consumer asks for.", {
      details: `${consumer} asks for ${callbackGasLimit}`,
    });
  }
  const reason = explainRevert(refusal);
  throw new CallRevertedError(
    reason?.name ?? "callback",
    `The callback refuses the output. ${reason?.message ?? "Its error is none of the protocol's."}`,
    refusal,
  );
}

/** What a transaction costs before it runs (EIP-2028): the callback itself gets what is beyond that. */
function intrinsicGas(data: Hex): bigint {
  return hexToBytes(data).reduce(
    (sum, byte) => sum + (byte === 0 ? GAS_PER_BYTE.zero : GAS_PER_BYTE.other),
    TRANSACTION_GAS,
  );
}
