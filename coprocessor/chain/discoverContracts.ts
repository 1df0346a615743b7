import { operatorRegistryAbi } from "@sibyl/sdk";
import { type Address, decodeFunctionResult, encodeFunctionData, parseAbi } from "viem";
import { CoprocessorError } from "../core/errors.ts";
import type { RpcClient } from "../rpc/rpcClient.ts";
import { hexData } from "../rpc/rpcSchemas.ts";
import type { FollowedContracts } from "./decodeLog.ts";

/** What a node reads once: the oracle names its registries, the registry knows the attester. */
const DISCOVERY_ABI = parseAbi([
  "function models() view returns (address)",
  "function operators() view returns (address)",
  "function operatorOf(address attester) view returns (uint32)",
]);

/**
 * Asks the oracle for its registries.
 *
 * @throws CoprocessorError `chain/no-contract` when there is no oracle at the address.
 */
export async function discoverContracts(rpc: RpcClient, oracle: Address): Promise<FollowedContracts> {
  const [modelRegistry, operatorRegistry] = await Promise.all([
    readAddress(rpc, oracle, "models"),
    readAddress(rpc, oracle, "operators"),
  ]);
  return { oracle, modelRegistry, operatorRegistry };
}

/**
 * The operator id that an attester key stands for.
 *
 * @throws CoprocessorError `operator/not-registered`
 */
export async function discoverOperator(
  rpc: RpcClient,
  registry: Address,
  attester: Address,
): Promise<number> {
  const data = encodeFunctionData({ abi: DISCOVERY_ABI, functionName: "operatorOf", args: [attester] });
  const returned = await rpc.request(hexData, "eth_call", [{ to: registry, data }, "latest"]);
  const operatorId = decodeFunctionResult({ abi: DISCOVERY_ABI, functionName: "operatorOf", data: returned });
  if (operatorId !== 0) return operatorId;
  throw new CoprocessorError(
    `attester ${attester} belongs to no operator in registry ${registry}; register first: sibyl register --help`,
    { code: "operator/not-registered", retry: "never", meta: { attester, registry } },
  );
}

/** Seconds that an operator's leaving stake can still be slashed. */
export async function discoverUnbonding(rpc: RpcClient, registry: Address): Promise<number> {
  const call = { abi: operatorRegistryAbi, functionName: "parameters" } as const;
  const data = encodeFunctionData(call);
  const returned = await rpc.request(hexData, "eth_call", [{ to: registry, data }, "latest"]);
  return decodeFunctionResult({ ...call, data: returned }).unbondingSeconds;
}

async function readAddress(
  rpc: RpcClient,
  oracle: Address,
  functionName: "models" | "operators",
): Promise<Address> {
  const data = encodeFunctionData({ abi: DISCOVERY_ABI, functionName });
  try {
    const returned = await rpc.request(hexData, "eth_call", [{ to: oracle, data }, "latest"]);
    return decodeFunctionResult({ abi: DISCOVERY_ABI, functionName, data: returned });
  } catch (cause) {
    if (cause instanceof CoprocessorError && cause.retry === "backoff") throw cause;
    throw new CoprocessorError(`no inference oracle at ${oracle} on chain ${rpc.chainId}`, {
      code: "chain/no-contract",
      retry: "never",
      meta: { address: oracle, chainId: rpc.chainId },
      cause,
    });
  }
}
