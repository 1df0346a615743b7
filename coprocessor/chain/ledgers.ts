import { inferenceOracleAbi, operatorRegistryAbi } from "@sibyl/sdk";
import { type Abi, type Address, encodeFunctionData, zeroAddress } from "viem";
import type { RpcClient } from "../rpc/rpcClient.ts";
import { hexData } from "../rpc/rpcSchemas.ts";
import type { FollowedContracts } from "./decodeLog.ts";

/** What may be withdrawn in the chain's native coin, in wei; `sibyl withdraw` does it. */
export interface Ledgers {
  /** Of the account at the oracle: bonds that came back are here. */
  creditWei: bigint;
  /** Of the account at the registry: what challenges and reports brought. */
  rewardsWei: bigint;
  /** Of the operator at the oracle, for its owner; 0 without an operator. */
  earningsWei: bigint;
}

/**
 * Reads the three ledgers that pay on demand.
 *
 * @param operatorId 0 is nobody's.
 */
export async function readLedgers(
  rpc: RpcClient,
  { oracle, operatorRegistry }: FollowedContracts,
  account: Address,
  operatorId: number,
): Promise<Ledgers> {
  const read = async (to: Address, abi: Abi, functionName: string, args: readonly unknown[]) => {
    const data = encodeFunctionData({ abi, functionName, args });
    return BigInt(await rpc.request(hexData, "eth_call", [{ to, data }, "latest"]));
  };
  const [creditWei, rewardsWei, earningsWei] = await Promise.all([
    read(oracle, inferenceOracleAbi, "creditOf", [account, zeroAddress]),
    read(operatorRegistry, operatorRegistryAbi, "rewardsOf", [account]),
    operatorId === 0 ? 0n : read(oracle, inferenceOracleAbi, "earningsOf", [operatorId, zeroAddress]),
  ]);
  return { creditWei, rewardsWei, earningsWei };
}
