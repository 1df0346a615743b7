import { operatorRegistryAbi } from "@sibyl/sdk";
import { type Address, getContractAddress, parseEther } from "viem";
import type { Artifact, ContractName } from "./buildContracts.ts";
import type { ChainClient } from "./chainClient.ts";
import { deployer } from "./devAccounts.ts";

export interface Protocol {
  modelRegistry: Address;
  operatorRegistry: Address;
  oracle: Address;
  openingCourt: Address;
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

const COURT_PARAMETERS = { bondWei: parseEther("0.001"), demandSeconds: 12 * 3_600, openingSeconds: 3_600 };

/**
 * Deploys the contracts of the protocol, the first three in one block, and lets the registry punish what is signed for this oracle and
 * what the opening court finds.
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
  const [modelRegistry, operatorRegistry] = [addressAt(0), addressAt(1)];
  const [oracle, openingCourt] = [addressAt(2), addressAt(3)];
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
  // Apart, because its constructor asks the operator registry, which has to be there when the gas is estimated.
  const court = await wallet.deployContract({
    ...artifacts.OpeningCourt,
    args: [operatorRegistry, COURT_PARAMETERS],
    nonce: nonce + deployments.length,
  });
  await client.mined(court, "deploying OpeningCourt");
  const registry = { abi: operatorRegistryAbi, address: operatorRegistry } as const;
  const trusting = [
    { functionName: "trustOracle", args: [oracle] },
    { functionName: "trustJudge", args: [openingCourt] },
  ] as const;
  await Promise.all(
    trusting.map(async (call, place) => {
      const later = { nonce: nonce + deployments.length + 1 + place };
      await client.mined(await wallet.writeContract({ ...registry, ...call, ...later }), call.functionName);
    }),
  );
  // Of one account, so the first one is mined first.
  const startBlock = receipts[0]?.blockNumber ?? 0n;
  return { modelRegistry, operatorRegistry, oracle, openingCourt, startBlock };
}
