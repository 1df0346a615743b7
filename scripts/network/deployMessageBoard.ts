import { type Address, type Hex, parseGwei } from "viem";
import type { Artifact, ContractName } from "./buildContracts.ts";
import type { ChainClient } from "./chainClient.ts";
import { deployer } from "./devAccounts.ts";
import { LOCAL_PRICE } from "./publishModel.ts";

export interface BoardPolicy {
  /** Operators that run the model at once. */
  committeeSize: number;
  /** Operators that must agree. */
  quorum: number;
  /** Seconds that a post may wait for its answer. */
  lifetimeSeconds: number;
  /** Seconds in which an answer may be challenged; none when not given. */
  challengeWindow?: number;
}

/** Most KiB of input that the board's agreed maximum fee covers; its posts are shorter. */
const MAX_INPUT_KIB = 8n;

/** Deploys the example consumer. */
export async function deployMessageBoard(
  client: ChainClient,
  artifacts: Record<ContractName, Artifact>,
  oracle: Address,
  modelId: Hex,
  policy: BoardPolicy,
): Promise<Address> {
  const perOperator = LOCAL_PRICE.perExecution + LOCAL_PRICE.perKiB * MAX_INPUT_KIB;
  const settings = {
    policy: {
      committeeSize: policy.committeeSize,
      quorum: policy.quorum,
      challengeWindow: policy.challengeWindow ?? 0,
    },
    callbackGasLimit: 100_000,
    lifetimeSeconds: policy.lifetimeSeconds,
    maxGasPrice: parseGwei("20"),
    maxFee: perOperator * BigInt(policy.quorum),
  };
  const hash = await client
    .as(deployer())
    .deployContract({ ...artifacts.MessageBoard, args: [oracle, modelId, settings] });
  const { contractAddress } = await client.mined(hash, "deploying the message board");
  if (contractAddress === null || contractAddress === undefined)
    throw new Error("no address of the message board");
  return contractAddress;
}
