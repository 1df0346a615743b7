import { inferenceOracleAbi, operatorRegistryAbi } from "@sibyl/sdk";
import { type Address, getContractAddress, type Hash, parseEther } from "viem";
import type { Artifact, ContractName } from "./buildContracts.ts";
import type { ChainClient } from "./chainClient.ts";
import { deployer } from "./devAccounts.ts";

export interface Protocol {
  modelRegistry: Address;
  operatorRegistry: Address;
  oracle: Address;
  /** Decides challenges. */
  arbiter: Address;
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

/** Of a challenge. */
export const BOND_WEI = parseEther("0.1");
const VERDICT_SECONDS = 600n;

const COURT_PARAMETERS = { bondWei: parseEther("0.001"), demandSeconds: 12 * 3_600, openingSeconds: 3_600 };

/**
 * Deploys the protocol's contracts, makes the jury the oracle's arbiter, and lets the registry punish what is signed for
 * this oracle, what the jury overturns and what the opening court finds.
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
  const [modelRegistry, operatorRegistry, oracle, openingCourt, arbiter] = [0, 1, 2, 3, 4].map(addressAt) as [
    Address,
    Address,
    Address,
    Address,
    Address,
  ];
  const oracleParameters = {
    ...parameters,
    protocolBps: 500,
    maxLifetimeSeconds: 3_600,
    maxCallbackGas: 2_000_000,
    maxInputBytes: 65_536,
  };
  let used = nonce;
  /** Sends transactions of one block together; they do not need each other. */
  const together = async (calls: readonly { name: string; send: (nonce: number) => Promise<Hash> }[]) => {
    // In the order of their nonces: anvil mines no block for one that had to wait for the one before it.
    const hashes: Hash[] = [];
    for (const { send } of calls) hashes.push(await send(used++));
    return Promise.all(hashes.map((hash, place) => client.mined(hash, calls[place]?.name ?? "")));
  };
  const deploying = (name: ContractName, args: unknown[]) => ({
    name: `deploying ${name}`,
    send: (at: number) => wallet.deployContract({ ...artifacts[name], args, nonce: at }),
  });
  const trusting = (functionName: "trustOracle" | "trustJudge", trusted: Address) => ({
    name: functionName,
    send: (at: number) =>
      wallet.writeContract({
        abi: operatorRegistryAbi,
        address: operatorRegistry,
        functionName,
        args: [trusted],
        nonce: at,
      }),
  });

  const [first] = await together([
    deploying("ModelRegistry", []),
    deploying("OperatorRegistry", [account.address, modelRegistry, OPERATOR_PARAMETERS]),
    deploying("InferenceOracle", [
      account.address,
      account.address,
      modelRegistry,
      operatorRegistry,
      oracleParameters,
    ]),
  ]);
  // Apart, because their constructors ask the first ones, which have to be there when the gas is estimated.
  await together([
    deploying("OpeningCourt", [operatorRegistry, COURT_PARAMETERS]),
    deploying("JuryArbiter", [oracle, BOND_WEI, VERDICT_SECONDS]),
  ]);
  await together([
    trusting("trustOracle", oracle),
    trusting("trustJudge", openingCourt),
    trusting("trustJudge", arbiter),
    {
      name: "listArbiter",
      send: (at) =>
        wallet.writeContract({
          abi: inferenceOracleAbi,
          address: oracle,
          functionName: "listArbiter",
          args: [arbiter],
          nonce: at,
        }),
    },
  ]);
  // Of one account, so the first one is mined first.
  const startBlock = first?.blockNumber ?? 0n;
  return { modelRegistry, operatorRegistry, oracle, arbiter, openingCourt, startBlock };
}
