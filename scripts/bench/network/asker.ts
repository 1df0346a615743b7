import { type Address, encodeFunctionData, type Hex, parseEther, parseGwei, size } from "viem";
import { author } from "../../network/devAccounts.ts";
import { rpcResult } from "../../network/rpcCall.ts";
import type { Network } from "../../network/startNetwork.ts";
import { releaseArtifacts } from "../releaseArtifacts.ts";

const CALLBACK_GAS = 100_000;
const LIFETIME_SECONDS = 600;
/** Above any request's gas; so nothing has to be estimated. */
const GAS = 500_000n;
const FEE_PER_GAS_WEI = parseGwei("5");

/** Asks through a consumer whose callback writes one word: signs and sends, and waits for no block. */
export interface Asker {
  ask(): Promise<void>;
}

/**
 * Deploys the consumer.
 *
 * @param inputs Asked in turn; of one size.
 */
export async function createAsker(
  { client, protocol }: Network,
  { modelId, inputs, committeeSize, quorum }: AskerOptions,
): Promise<Asker> {
  const { abi, bytecode } = (await releaseArtifacts()).OneWordConsumer;
  const settings = {
    policy: { committeeSize, quorum, challengeWindow: 0 },
    callbackGasLimit: CALLBACK_GAS,
    lifetimeSeconds: LIFETIME_SECONDS,
    maxGasPrice: parseGwei("20"),
    maxFee: parseEther("1"),
  };
  const account = author();
  const deployed = await client
    .as(account)
    .deployContract({ abi, bytecode, args: [protocol.oracle, modelId, settings] });
  const { contractAddress } = await client.mined(deployed, "deploying a consumer");
  const consumer = contractAddress as Address;
  const [first = "0x"] = inputs;
  const cost = (await client.reader.readContract({
    abi,
    address: consumer,
    functionName: "inferenceCost",
    args: [modelId, BigInt(size(first))],
  })) as bigint;
  let nonce = await client.reader.getTransactionCount({ address: account.address });
  let sending: Promise<unknown> = Promise.resolve();
  return {
    async ask() {
      const mine = nonce++;
      const raw = await account.signTransaction({
        type: "eip1559",
        chainId: client.chain.id,
        to: consumer,
        data: encodeFunctionData({ abi, functionName: "ask", args: [inputs[mine % inputs.length]] }),
        value: cost,
        nonce: mine,
        gas: GAS,
        maxFeePerGas: FEE_PER_GAS_WEI,
        maxPriorityFeePerGas: FEE_PER_GAS_WEI,
      });
      // In the order of their nonces.
      sending = sending.then(() => rpcResult(client.rpcUrl, "eth_sendRawTransaction", [raw]));
      await sending;
    },
  };
}

export interface AskerOptions {
  modelId: Hex;
  inputs: readonly Hex[];
  committeeSize: number;
  quorum: number;
}
