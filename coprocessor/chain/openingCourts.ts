import { openingCourtAbi, operatorRegistryAbi } from "@sibyl/sdk";
import {
  type Address,
  decodeEventLog,
  decodeFunctionResult,
  encodeFunctionData,
  getAbiItem,
  isAddressEqual,
  toEventSelector,
  zeroHash,
} from "viem";
import { z } from "zod";
import { CoprocessorError } from "../core/errors.ts";
import type { RpcClient } from "../rpc/rpcClient.ts";
import { rpcRefusal } from "../rpc/rpcRefusal.ts";
import { hexData, smallQuantity } from "../rpc/rpcSchemas.ts";
import type { ChainEvent } from "./port.ts";
import { RangeSize } from "./rangeSize.ts";
import { rawLog } from "./rawLog.ts";

const JUDGE_TRUSTED = getAbiItem({ abi: operatorRegistryAbi, name: "JudgeTrusted" });
const FIRST_RANGE_BLOCKS = 2_000n;
const MOST_BLOCKS = 10_000n;

/**
 * The opening courts that a registry trusts, or once trusted: one that lost its trust still ends its demands.
 *
 * A registry has judges of several kinds and no list of them. So its log is read, and each judge is asked whether it is an
 * opening court of this registry.
 */
export interface OpeningCourts {
  addresses(): readonly Address[];
  /** Takes up courts that these events name; true when there is a new one, whose own logs were not read yet. */
  admit(events: readonly ChainEvent[]): Promise<boolean>;
}

/** For a node that follows none. */
export const NO_COURTS: OpeningCourts = { addresses: () => [], admit: async () => false };

/** Finds the courts that were trusted up to now; later ones come by `admit`. */
export async function discoverOpeningCourts(
  rpc: RpcClient,
  registry: Address,
  startBlock: bigint,
): Promise<OpeningCourts> {
  const courts: Address[] = [];
  const asked = new Set<Address>();

  async function take(judges: readonly Address[]): Promise<boolean> {
    let found = false;
    for (const judge of judges) {
      if (asked.has(judge)) continue;
      if (await isOpeningCourt(rpc, judge, registry)) {
        courts.push(judge);
        found = true;
      }
      asked.add(judge);
    }
    return found;
  }

  await take(await trustedJudges(rpc, registry, startBlock));
  return {
    addresses: () => courts,
    admit: (events) => take(events.flatMap((event) => (event.type === "JudgeTrusted" ? [event.judge] : []))),
  };
}

async function trustedJudges(rpc: RpcClient, registry: Address, startBlock: bigint): Promise<Address[]> {
  const head = BigInt(await rpc.request(smallQuantity, "eth_blockNumber", []));
  const range = new RangeSize(FIRST_RANGE_BLOCKS, MOST_BLOCKS);
  const judges: Address[] = [];
  for (let from = startBlock; from <= head; ) {
    const to = from + range.blocks - 1n < head ? from + range.blocks - 1n : head;
    const place = { fromBlock: `0x${from.toString(16)}`, toBlock: `0x${to.toString(16)}` };
    try {
      const logs = await rpc.agreed(z.array(rawLog), "eth_getLogs", [
        { ...place, address: registry, topics: [toEventSelector(JUDGE_TRUSTED)] },
      ]);
      for (const { topics, data } of logs) {
        const decoded = decodeEventLog({ abi: [JUDGE_TRUSTED], topics: topics as [], data });
        judges.push(decoded.args.judge);
      }
      range.succeeded(logs.length);
      from = to + 1n;
    } catch (error) {
      if (!range.failed(error)) throw error;
    }
  }
  return judges;
}

/** A jury, or whatever else is a judge, reverts or answers something else. */
async function isOpeningCourt(rpc: RpcClient, judge: Address, registry: Address): Promise<boolean> {
  const ask = async (call: Parameters<typeof encodeFunctionData>[0]) =>
    rpc.request(hexData, "eth_call", [{ to: judge, data: encodeFunctionData(call) }, "latest"]);
  const abi = openingCourtAbi;
  try {
    const [operators, demand] = await Promise.all([
      ask({ abi, functionName: "operators" }),
      ask({ abi, functionName: "demandOf", args: [zeroHash] }),
    ]);
    decodeFunctionResult({ abi, functionName: "demandOf", data: demand });
    const named = decodeFunctionResult({ abi, functionName: "operators", data: operators });
    return isAddressEqual(named, registry);
  } catch (error) {
    // That an endpoint does not answer says nothing about the judge; that it declines the call does.
    if (error instanceof CoprocessorError && rpcRefusal(error) === null) throw error;
    return false;
  }
}
