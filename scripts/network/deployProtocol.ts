import { inferenceOracleAbi, operatorRegistryAbi } from "@sibyl/sdk";
import { type Address, getContractAddress, parseEther } from "viem";
import type { Artifact, ContractName } from "./buildContracts.ts";
import type { ChainClient } from "./chainClient.ts";
import { deployer } from "./devAccounts.ts";

export interface Protocol {
  modelRegistry: Address;
  operatorRegistry: Address;
  oracle: Address;
  /** Decides challenges. */
  arbiter: Address;
  /** Nothing of the protocol happened before it. */
  startBlock: bigint;
}

export interface ProtocolParameters {
  /** Seconds after which the draw doubles. */
  roundSeconds: number;
  /** Operators drawn at once for one seat of the committee; 10000 is one. */
  overdrawBps: number;
}

export const LOCAL_PARAMETERS: ProtocolParameters = { roundSeconds: 5, overdrawBps: 15_000 };

const OPERATOR_PARAMETERS = {
  minStakeWei: parseEther("0.01"),
  maxStakeWei: parseEther("1000"),
  activationSeconds: 1,
  unbondingSeconds: 2 * 86_400,
  reporterBps: 1_000,
  missedOpeningBps: 500,
  overturnedBps: 2_000,
  jailSeconds: 3_600,
};

/** What a challenge costs. */
const BOND_WEI = parseEther("0.1");
const VERDICT_SECONDS = 600n;

/**
 * Deploys the protocol's contracts, makes the jury the oracle's arbiter, and lets the registry punish what is signed for
 * this oracle and what the jury overturns.
 */
export async function deployProtocol(
  client: ChainClient,
  artifacts: Record<ContractName, Artifact>,
  parameters: ProtocolParameters = LOCAL_PARAMETERS,
): Promise<Protocol> {
  const account = deployer();
  const wallet = client.as(account);
  const nonce = await client.reader.getTransactionCount({ address: account.address });
  const addressAt = (place: number) =>
    getContractAddress({ from: account.address, nonce: BigInt(nonce + place) });
  const [modelRegistry, operatorRegistry, oracle] = [addressAt(0), addressAt(1), addressAt(2)];
  const oracleParameters = {
    ...parameters,
    protocolBps: 500,
    maxLifetimeSeconds: 3_600,
    maxCallbackGas: 2_000_000,
    maxInputBytes: 65_536,
  };
  const deployments = [
    { name: "ModelRegistry", args: [] },
    { name: "OperatorRegistry", args: [account.address, modelRegistry, OPERATOR_PARAMETERS] },
    {
      name: "InferenceOracle",
      args: [account.address, account.address, modelRegistry, operatorRegistry, oracleParameters],
    },
  ] as const;
  const hashes = await Promise.all(
    deployments.map(({ name, args }, place) =>
      wallet.deployContract({ ...artifacts[name], args: [...args], nonce: nonce + place }),
    ),
  );
  const receipts = await Promise.all(
    hashes.map((hash, place) => client.mined(hash, `deploying ${deployments[place]?.name}`)),
  );
  const trust = await wallet.writeContract({
    abi: operatorRegistryAbi,
    address: operatorRegistry,
    functionName: "trustOracle",
    args: [oracle],
    nonce: nonce + deployments.length,
  });
  await client.mined(trust, "trustOracle");
  // It asks the oracle for its registry, so the oracle must be there.
  const arbiter = await deployArbiter(client, artifacts, oracle, operatorRegistry);
  // Of one account, so the first one is mined first.
  const startBlock = receipts[0]?.blockNumber ?? 0n;
  return { modelRegistry, operatorRegistry, oracle, arbiter, startBlock };
}

async function deployArbiter(
  client: ChainClient,
  artifacts: Record<ContractName, Artifact>,
  oracle: Address,
  operatorRegistry: Address,
): Promise<Address> {
  const wallet = client.as(deployer());
  const deployment = await wallet.deployContract({
    ...artifacts.JuryArbiter,
    args: [oracle, BOND_WEI, VERDICT_SECONDS],
  });
  const { contractAddress } = await client.mined(deployment, "deploying JuryArbiter");
  const arbiter = contractAddress as Address;
  const listing = await wallet.writeContract({
    abi: inferenceOracleAbi,
    address: oracle,
    functionName: "listArbiter",
    args: [arbiter],
  });
  await client.mined(listing, "listArbiter");
  const trust = await wallet.writeContract({
    abi: operatorRegistryAbi,
    address: operatorRegistry,
    functionName: "trustJudge",
    args: [arbiter],
  });
  await client.mined(trust, "trustJudge");
  return arbiter;
}
