import { modelRegistryAbi, packProfile } from "@sibyl/sdk";
import { type Abi, type Address, type Hex, keccak256, parseEther, parseGwei, toHex } from "viem";
import { startAnvil } from "../network/anvil.ts";
import { type ChainClient, chainClient } from "../network/chainClient.ts";
import { deployProtocol, type Protocol } from "../network/deployProtocol.ts";
import { author, ENDOWED_ACCOUNTS, publisher } from "../network/devAccounts.ts";
import {
  activated,
  enrollOperator,
  type RegisteredOperator,
  registerOperator,
} from "../network/registerOperator.ts";
import type { Teardown } from "../network/teardown.ts";
import { releaseArtifacts } from "./releaseArtifacts.ts";

const OPERATORS = 3;
const NATIVE_TOKEN = 0;
const ROYALTY_BPS = 1_000;

/** A consumer whose callback writes one word. */
export interface BenchConsumer {
  address: Address;
  abi: Abi;
}

/** The protocol in the release profile on a chain that mines each transaction at once, and three operators. */
export interface BenchNetwork {
  client: ChainClient;
  protocol: Protocol;
  modelId: Hex;
  /** In the order of their ids. */
  operators: readonly RegisteredOperator[];
  /** Its callbacks succeed. */
  consumer: BenchConsumer;
  /** Gives its callbacks too little gas, so that they fail until somebody redelivers. */
  starvedConsumer: BenchConsumer;
  /** Deploys a consumer that asks `modelId` with a challenge window. */
  deployWindowedConsumer(modelId: Hex, challengeWindow: number): Promise<BenchConsumer>;
}

export async function startBenchNetwork(teardown: Teardown): Promise<BenchNetwork> {
  const artifacts = await releaseArtifacts();
  const anvil = await startAnvil({ args: ["--accounts", String(ENDOWED_ACCOUNTS)] });
  teardown.add("anvil", () => anvil.stop());
  const client = chainClient(anvil.url, anvil.chainId);
  const protocol = await deployProtocol(client, artifacts);

  const modelId = await publishModel(client, protocol, "a benched model");

  const operators: RegisteredOperator[] = [];
  for (let place = 0; place < OPERATORS; place++) {
    operators.push(await registerOperator(client, protocol.operatorRegistry, place, ""));
    await enrollOperator(client, protocol.operatorRegistry, place, modelId);
  }
  await client.reader.request({ method: "evm_increaseTime" as never, params: [60] as never });
  await client.reader.request({ method: "evm_mine" as never, params: [] as never });
  await activated(
    client,
    protocol.operatorRegistry,
    modelId,
    operators.map(({ operatorId }) => operatorId),
  );

  const { abi, bytecode } = artifacts.OneWordConsumer;
  const deployConsumer = async (
    callbackGasLimit: number,
    asked: Hex = modelId,
    challengeWindow = 0,
  ): Promise<BenchConsumer> => {
    const settings = {
      policy: { committeeSize: OPERATORS, quorum: OPERATORS, challengeWindow },
      callbackGasLimit,
      lifetimeSeconds: 600,
      maxGasPrice: parseGwei("20"),
      maxFee: parseEther("1"),
    };
    const hash = await client
      .as(author())
      .deployContract({ abi, bytecode, args: [protocol.oracle, asked, settings] });
    const { contractAddress } = await client.mined(hash, "deploying a consumer");
    return { address: contractAddress as Address, abi };
  };
  const consumer = await deployConsumer(200_000);
  const starvedConsumer = await deployConsumer(1_000);
  return {
    client,
    protocol,
    modelId,
    operators,
    consumer,
    starvedConsumer,
    deployWindowedConsumer: (asked, challengeWindow) => deployConsumer(200_000, asked, challengeWindow),
  };
}

/** Publishes an exact model with the bench's price and returns its id. */
export async function publishModel(client: ChainClient, protocol: Protocol, name: string): Promise<Hex> {
  const modelId = keccak256(toHex(name));
  const hash = await client.as(publisher()).writeContract({
    abi: modelRegistryAbi,
    address: protocol.modelRegistry,
    functionName: "publish",
    args: [
      modelId,
      "",
      NATIVE_TOKEN,
      parseEther("0.001"),
      parseEther("0.0001"),
      ROYALTY_BPS,
      packProfile({ output: { codec: "scalar" }, profile: { kind: "exact" } }),
    ],
  });
  await client.mined(hash, `publishing ${name}`);
  return modelId;
}
