import type { Address, Hex } from "viem";
import { z } from "zod";
import type { BlockRef } from "../core/block.ts";
import { CoprocessorError } from "../core/errors.ts";
import type { Log } from "../observe/port.ts";
import type { RpcClient } from "../rpc/rpcClient.ts";
import { EVENT_TOPICS } from "./eventAbi.ts";
import { createLogWitness } from "./logWitness.ts";
import { type RawLog, rawBlock, rawLog } from "./rawLog.ts";

/** The two reads that following a chain consists of: agreed by as many endpoints as the client asks for. */
export interface ChainReader {
  /** Null when the endpoint has no such block (yet). */
  block(at: bigint | "latest" | "finalized"): Promise<BlockRef | null>;
  /**
   * Our contracts' logs, in log order. By hash for one block, by numbers for a range, both ends included.
   *
   * One block's logs are held to its header, if `block` has read that before; a range's are the endpoints' word.
   */
  logs(of: { blockHash: Hex } | { from: bigint; to: bigint }): Promise<RawLog[]>;
}

const hexNumber = (value: bigint): Hex => `0x${value.toString(16)}`;
const rawLogs = z.array(rawLog);

/** Headers whose bloom is remembered until their logs are asked for. */
const MAX_BLOOMS = 256;

/** @param addresses Whose logs to read; asked each time, because arbiters come to it. */
export function createChainReader(
  rpc: RpcClient,
  addresses: () => readonly Address[],
  log: Log,
): ChainReader {
  const witness = createLogWitness({ rpc, addresses, topics: EVENT_TOPICS, log });
  const blooms = new Map<Hex, Hex>();
  const remember = (hash: Hex, logsBloom: Hex) => {
    const [oldest] = blooms.keys();
    if (blooms.size >= MAX_BLOOMS && oldest !== undefined) blooms.delete(oldest);
    blooms.set(hash, logsBloom);
  };
  return {
    async block(at) {
      const tag = typeof at === "bigint" ? hexNumber(at) : at;
      // Heads differ between endpoints by nature; what is at a height must not.
      const read = typeof at === "bigint" ? rpc.agreed : rpc.request;
      const found = await read(rawBlock, "eth_getBlockByNumber", [tag, false]);
      if (found === null) return null;
      const { logsBloom, ...block } = found;
      remember(block.hash, logsBloom);
      if (typeof at === "bigint" && block.number !== at) {
        throw badAnswer(`block ${at} was asked for and block ${block.number} given`, { asked: String(at) });
      }
      return block;
    },

    async logs(of) {
      const place =
        "blockHash" in of
          ? { blockHash: of.blockHash }
          : { fromBlock: hexNumber(of.from), toBlock: hexNumber(of.to) };
      const answer = await rpc.agreed(rawLogs, "eth_getLogs", [
        { ...place, address: addresses(), topics: [EVENT_TOPICS] },
      ]);
      const logs = answer.filter(({ removed }) => !removed);
      for (const entry of logs) {
        const inPlace =
          "blockHash" in of
            ? entry.blockHash === of.blockHash
            : entry.blockNumber >= of.from && entry.blockNumber <= of.to;
        if (!inPlace)
          throw badAnswer("eth_getLogs gave a log of another block", { log: entry.transactionHash });
      }
      const logsBloom = "blockHash" in of ? blooms.get(of.blockHash) : undefined;
      if (logsBloom === undefined || !("blockHash" in of)) return inOrder(logs);
      return inOrder([...(await witness({ hash: of.blockHash, logsBloom }, inOrder(logs)))]);
    },
  };
}

/** Sorts by block and index and drops repeats, which some load balancers produce at the seams of ranges. */
function inOrder(logs: RawLog[]): RawLog[] {
  logs.sort((a, b) =>
    a.blockNumber === b.blockNumber ? a.logIndex - b.logIndex : a.blockNumber < b.blockNumber ? -1 : 1,
  );
  return logs.filter((log, index) => {
    const previous = logs[index - 1];
    return !previous || previous.blockNumber !== log.blockNumber || previous.logIndex !== log.logIndex;
  });
}

function badAnswer(message: string, meta: Record<string, unknown>): CoprocessorError {
  return new CoprocessorError(message, { code: "rpc/bad-answer", retry: "backoff", meta });
}
