import { attesterConsentTypedData, operatorRegistryAbi, unpackEnrolment } from "@sibyl/sdk";
import { type Address, type Hex, parseEther } from "viem";
import type { ChainClient } from "./chainClient.ts";
import { operatorAttester, operatorOwner } from "./devAccounts.ts";
import { until } from "./until.ts";

export interface RegisteredOperator {
  operatorId: number;
  owner: Address;
  attester: Address;
}

export const LOCAL_STAKE_WEI = parseEther("1");
/** What the attester key starts with, for the gas of its settlements. */
export const GAS_MONEY_WEI = parseEther("10");
const ACTIVATION_TIMEOUT_MS = 30_000;

/**
 * Registers an operator: the attester agrees, the owner stakes and gives the attester gas money.
 *
 * @param place Which of the development accounts it uses, counted from 0.
 * @param endpoint Multiaddr that its peers dial.
 */
export async function registerOperator(
  client: ChainClient,
  registry: Address,
  place: number,
  endpoint: string,
): Promise<RegisteredOperator> {
  const owner = operatorOwner(place);
  const attester = operatorAttester(place);
  const consent = await attester.signTypedData(
    attesterConsentTypedData(
      { chainId: client.chain.id, registry },
      { owner: owner.address, attester: attester.address },
    ),
  );
  const wallet = client.as(owner);
  const nonce = await client.reader.getTransactionCount({ address: owner.address });
  const hashes = await Promise.all([
    wallet.writeContract({
      abi: operatorRegistryAbi,
      address: registry,
      functionName: "register",
      args: [attester.address, consent, endpoint],
      value: LOCAL_STAKE_WEI,
      nonce,
    }),
    wallet.sendTransaction({ to: attester.address, value: GAS_MONEY_WEI, nonce: nonce + 1 }),
  ]);
  await Promise.all(hashes.map((hash) => client.mined(hash, `registering operator ${place + 1}`)));
  const operatorId = await client.reader.readContract({
    abi: operatorRegistryAbi,
    address: registry,
    functionName: "operatorOf",
    args: [attester.address],
  });
  return { operatorId, owner: owner.address, attester: attester.address };
}

/** Takes the operator's seat for a model; requests count it once `activated` resolves. */
export async function enrollOperator(
  client: ChainClient,
  registry: Address,
  place: number,
  modelId: Hex,
): Promise<void> {
  const hash = await client.as(operatorOwner(place)).writeContract({
    abi: operatorRegistryAbi,
    address: registry,
    functionName: "enroll",
    args: [modelId],
  });
  await client.mined(hash, `enrolling operator ${place + 1}`);
}

/** Waits until the chain's clock has reached the seats' activation. */
export async function activated(
  client: ChainClient,
  registry: Address,
  modelId: Hex,
  operatorIds: readonly number[],
): Promise<void> {
  const seats = await Promise.all(
    operatorIds.map((operatorId) =>
      client.reader.readContract({
        abi: operatorRegistryAbi,
        address: registry,
        functionName: "enrolmentOf",
        args: [modelId, operatorId],
      }),
    ),
  );
  const activeFrom = Math.max(...seats.map((seat) => Number(unpackEnrolment(seat).activeFrom)));
  await until(
    "the operators' seats to become active",
    async () => ((await client.reader.getBlock()).timestamp >= BigInt(activeFrom) ? true : null),
    { timeoutMs: ACTIVATION_TIMEOUT_MS },
  );
}
