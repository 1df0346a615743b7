import { inferenceOracleAbi, juryArbiterAbi } from "@sibyl/sdk";
import {
  type Address,
  decodeEventLog,
  decodeFunctionResult,
  encodeFunctionData,
  type Hex,
  toEventSelector,
} from "viem";
import type { Arbiter } from "../core/dispute.ts";
import type { Log } from "../observe/port.ts";
import type { RpcClient } from "../rpc/rpcClient.ts";
import { rpcRefusal } from "../rpc/rpcRefusal.ts";
import { hexData } from "../rpc/rpcSchemas.ts";
import { ARBITER_LISTED } from "./eventAbi.ts";
import type { RawLog } from "./rawLog.ts";

/** The oracle's list has room for no more. */
const LAST_INDEX = 255;

/**
 * The juries among the arbiters that an oracle lists: the only contracts whose word about disputes is heard.
 *
 * The list is append-only, so what was read stays right. An arbiter that is no jury has its place in the list and is
 * not followed.
 */
export class Arbiters {
  readonly #rpc: RpcClient;
  readonly #oracle: Address;
  readonly #log: Log;
  readonly #byIndex = new Map<number, Arbiter | null>();
  readonly #byAddress = new Map<string, Arbiter>();

  constructor(rpc: RpcClient, oracle: Address, log: Log) {
    this.#rpc = rpc;
    this.#oracle = oracle;
    this.#log = log;
  }

  /** Reads the list as it stands; further calls only what was added. */
  async discover(): Promise<void> {
    for (let index = this.#byIndex.size + 1; index <= LAST_INDEX; index++) {
      const address = await this.#addressAt(index);
      if (address === null) return;
      await this.#add(index, address);
    }
  }

  /**
   * Takes up arbiters that logs of the oracle list and that were unknown.
   *
   * @returns whether there were any: logs of theirs may be missing from what was read without them.
   */
  async learn(logs: readonly RawLog[]): Promise<boolean> {
    let isNew = false;
    for (const { address, topics, data } of logs) {
      if (address.toLowerCase() !== this.#oracle.toLowerCase() || topics[0] !== TOPIC) continue;
      const listed = decodeListing(topics, data);
      if (listed === null || this.#byIndex.has(listed.arbiterIndex)) continue;
      await this.#add(listed.arbiterIndex, listed.arbiter);
      isNew = true;
    }
    return isNew;
  }

  /** Null for nobody, an unknown index, or an arbiter that is no jury. */
  at(index: number): Arbiter | null {
    return this.#byIndex.get(index) ?? null;
  }

  of(address: Address): Arbiter | undefined {
    return this.#byAddress.get(address.toLowerCase());
  }

  addresses(): Address[] {
    return [...this.#byAddress.values()].map(({ address }) => address);
  }

  async #add(index: number, address: Address): Promise<void> {
    const [bondWei, verdictSeconds] = await Promise.all([
      this.#constant(address, "bondWei"),
      this.#constant(address, "verdictSeconds"),
    ]);
    const isJury = bondWei !== null && verdictSeconds !== null;
    const arbiter = isJury ? { index, address, bondWei, verdictSeconds: Number(verdictSeconds) } : null;
    this.#byIndex.set(index, arbiter);
    if (arbiter !== null) this.#byAddress.set(address.toLowerCase(), arbiter);
    else this.#log.warn({ index, address }, "a listed arbiter is no jury; its disputes are not followed");
  }

  async #addressAt(index: number): Promise<Address | null> {
    const call = { abi: inferenceOracleAbi, functionName: "arbiterByIndex" } as const;
    const data = await this.#call(this.#oracle, encodeFunctionData({ ...call, args: [index] }));
    return data === null ? null : decodeFunctionResult({ ...call, data });
  }

  /** Null when the contract has no such constant. */
  async #constant(address: Address, functionName: "bondWei" | "verdictSeconds"): Promise<bigint | null> {
    const data = await this.#call(address, encodeFunctionData({ abi: juryArbiterAbi, functionName }));
    if (data === null) return null;
    return data.length === 66 ? BigInt(data) : null;
  }

  /** Null when the call reverts. */
  async #call(to: Address, data: Hex): Promise<Hex | null> {
    try {
      return await this.#rpc.agreed(hexData, "eth_call", [{ to, data }, "latest"]);
    } catch (error) {
      if (/revert/i.test(rpcRefusal(error)?.message ?? "")) return null;
      throw error;
    }
  }
}

const TOPIC = toEventSelector(ARBITER_LISTED);

/** Null for a log that cannot be what it claims to be. */
function decodeListing(topics: readonly Hex[], data: Hex) {
  try {
    return decodeEventLog({ abi: [ARBITER_LISTED], topics: topics as [Hex, ...Hex[]], data }).args;
  } catch {
    return null;
  }
}
