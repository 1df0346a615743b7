import { openingCourtAbi, operatorRegistryAbi } from "@sibyl/sdk";
import {
  type Abi,
  type Address,
  type ContractFunctionArgs,
  type ContractFunctionName,
  decodeFunctionResult,
  encodeFunctionData,
} from "viem";
import type { RpcClient } from "../rpc/rpcClient.ts";
import { hexData } from "../rpc/rpcSchemas.ts";
import type { OpeningCourts } from "./openingCourts.ts";
import type { CourtTerms, Stakes } from "./port.ts";

/** Reads stakes and parameters with `eth_call`, at the latest block. */
export function createRpcStakes(rpc: RpcClient, registry: Address, courts: OpeningCourts): Stakes {
  /** They never change. */
  const terms = new Map<Address, Promise<CourtTerms>>();

  async function read<
    const A extends Abi,
    Name extends ContractFunctionName<A, "view">,
    Args extends ContractFunctionArgs<A, "view", Name>,
  >(to: Address, abi: A, functionName: Name, args: Args) {
    const data = encodeFunctionData({ abi, functionName, args } as never);
    const returned = await rpc.request(hexData, "eth_call", [{ to, data }, "latest"]);
    return decodeFunctionResult<A, Name, Args>({ abi, functionName, args, data: returned } as never);
  }

  return {
    registry,
    async atStake(operatorId) {
      const [stake, [leaving]] = await Promise.all([
        read(registry, operatorRegistryAbi, "stakeOf", [operatorId]),
        read(registry, operatorRegistryAbi, "unbondingOf", [operatorId]),
      ]);
      return stake + leaving;
    },
    async shares() {
      const { reporterBps, missedOpeningBps } = await read(registry, operatorRegistryAbi, "parameters", []);
      return { reporterBps, missedOpeningBps };
    },
    courts: () => courts.addresses(),
    courtTerms(court) {
      const known = terms.get(court);
      if (known !== undefined) return known;
      const reading = read(court, openingCourtAbi, "parameters", []).then(
        ({ bondWei, demandSeconds, openingSeconds }) => ({ bondWei, demandSeconds, openingSeconds }),
      );
      terms.set(court, reading);
      reading.catch(() => terms.delete(court));
      return reading;
    },
    isTrusted: (court) => read(registry, operatorRegistryAbi, "isTrustedJudge", [court]),
  };
}
