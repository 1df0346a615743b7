import type { Address, Hex } from "viem";
import { z } from "zod";
import type { BlockRef } from "../core/block.ts";
import { CoprocessorError } from "../core/errors.ts";
import type { RpcClient } from "../rpc/rpcClient.ts";
import { EVENT_TOPICS } from "./eventAbi.ts";
import { type RawLog, rawBlock, rawLog } from "./rawLog.ts";

/** The two reads that following a chain consists of: agreed by as many endpoints as the client asks for. */
export interface ChainReader {
  /** Null when the endpoint has no such block (yet). */
  block(at: bigint | "latest" | "finalized"): Promise<BlockRef | null>;
  /** Our contracts' logs, in log order. By hash for one block, by numbers for a range, both ends included. */
  logs(of: { blockHash: Hex } | { from: bigint; to: bigint }): Promise<RawLog[]>;
}

const hexNumber = (value: bigint): Hex => `0x${value.toString(16)}`;
const rawLogs = z.array(rawLog);

/** @param addresses Whose logs to read; asked each time, because arbiters come to it. */
export function createChainReader(rpc: RpcClient, addresses: () => readonly Address[]): ChainReader {
  return {
    async block(at) {
      const tag = typeof at === "bigint" ? hexNumber(at) : at;
      // Heads differ between endpoints by nature; what is at a height must not.
      const read = typeof at === "bigint" ? rpc.agreed : rpc.request;
      const block = await read(rawBlock, "eth_getBlockByNumber", [tag, false]);
      if (block && typeof at === "bigint" && block.number !== at) {
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
      for (const log of logs) {
        const inPlace =
          "blockHash" in of
            ? log.blockHash === of.blockHash
            : log.blockNumber >= of.from && log.blockNumber <= of.to;
        if (!inPlace)
          throw badAnswer("eth_getLogs gave a log of another block", { log: log.transactionHash });
      }
      return inOrder(logs);
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
