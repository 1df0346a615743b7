import type { Address, Hex } from "viem";
import { z } from "zod";
import { CoprocessorError } from "../core/errors.ts";
import type { Log } from "../observe/port.ts";
import type { RpcClient } from "../rpc/rpcClient.ts";
import { bloomHas, bloomOf, isEmptyBloom } from "./logsBloom.ts";
import { type RawLog, rawLog } from "./rawLog.ts";

const receipts = z.array(z.object({ logs: z.array(rawLog) })).nullable();

/** A block whose logs were asked for, with what its header says about them. */
export interface WitnessedBlock {
  hash: Hex;
  logsBloom: Hex;
}

export interface LogWitnessOptions {
  rpc: RpcClient;
  /** Whose logs are asked for; asked each time. */
  addresses: () => readonly Address[];
  /** First topics of the events that are asked for. */
  topics: readonly Hex[];
  log: Log;
}

/**
 * Holds an endpoint's `eth_getLogs` to the block's own header.
 *
 * A header's bloom says whether our contracts may have logged in the block. Where they may, the block's receipts are read
 * too: they are complete exactly if all their logs together make the header's bloom, and then what is among them counts,
 * whatever the endpoint said before. One call more for each block that concerns us; it finds an endpoint that forgets
 * logs, not one that makes up whole headers, against which only a second endpoint helps (`RPC_QUORUM`).
 *
 * @returns the logs that the block really holds.
 * @throws CoprocessorError `rpc/bad-answer` for logs that the bloom rules out, or receipts that are not complete.
 */
export function createLogWitness({ rpc, addresses, topics, log }: LogWitnessOptions) {
  const isOurs = ({ address, topics: [first] }: RawLog) =>
    addresses().some((one) => one.toLowerCase() === address.toLowerCase()) &&
    first !== undefined &&
    topics.includes(first);
  let withoutReceipts = false;

  return async function witness(block: WitnessedBlock, given: readonly RawLog[]): Promise<readonly RawLog[]> {
    const { hash, logsBloom } = block;
    if (isEmptyBloom(logsBloom)) return given;
    const concernsUs = addresses().some((address) => bloomHas(logsBloom, address));
    if (!concernsUs && given.length > 0) {
      throw badAnswer(`eth_getLogs gave ${given.length} logs of block ${hash}, whose bloom has none of ours`);
    }
    if (!concernsUs || withoutReceipts) return given;
    const all = await receiptLogs(hash);
    if (all === null) return given;
    if (bloomOf(all) !== logsBloom) {
      throw badAnswer(`the receipts of block ${hash} do not make its bloom: some are missing`);
    }
    const proven = all.filter(isOurs);
    const said = new Set(given.map(({ logIndex }) => logIndex));
    const omitted = proven.filter(({ logIndex }) => !said.has(logIndex)).length;
    if (omitted > 0) {
      log.warn(
        { code: "rpc/omitted-logs", block: hash, given: given.length, proven: proven.length },
        "the endpoint left logs out; the block's receipts, which make its bloom, count",
      );
    }
    return omitted > 0 || proven.length !== given.length ? proven : given;
  };

  /** Null when the endpoint does not serve receipts by block: then there is nothing to hold it to. */
  async function receiptLogs(hash: Hex): Promise<RawLog[] | null> {
    try {
      const found = await rpc.request(receipts, "eth_getBlockReceipts", [hash]);
      if (found === null) throw badAnswer(`block ${hash} has no receipts`);
      return found.flatMap(({ logs }) => logs);
    } catch (error) {
      if (!(error instanceof CoprocessorError) || error.code !== "rpc/refused") throw error;
      const { code } = error.meta as { code?: unknown };
      if (!NOT_SERVED.includes(code)) throw error;
      if (withoutReceipts) return null;
      withoutReceipts = true;
      log.warn(
        { code: "rpc/no-receipts", reason: error.message },
        "the endpoint serves no receipts by block: logs that it leaves out go unnoticed unless RPC_QUORUM is above 1",
      );
      return null;
    }
  }
}

/** JSON-RPC's "method not found", and EIP-1474's "method not supported". */
const NOT_SERVED: readonly unknown[] = [-32_601, -32_004];

function badAnswer(message: string): CoprocessorError {
  return new CoprocessorError(message, { code: "rpc/bad-answer", retry: "backoff" });
}
