import { inferenceOracleAbi } from "@sibyl/sdk";
import { type Address, type Hex, parseEventLogs } from "viem";
import type { ChainClient } from "../network/chainClient.ts";
import { messageBoardAbi } from "../network/messageBoardAbi.ts";
import type { SeenBlock } from "./messageProgress.ts";

const POLL_MS = 100;

/** What a block says about requests. */
export interface BlockSeen {
  block: SeenBlock;
  settlements: { requestId: Hex; output: Hex; signers: bigint; transaction: Hex }[];
  /** Requests whose post the board's callback judged. */
  judged: ReadonlySet<Hex>;
}

/**
 * Follows a local chain block by block, and what the oracle and the board say in each.
 *
 * Every block is told once and in order; local chains do not reorganise.
 */
export function watchOracle(
  client: ChainClient,
  contracts: { oracle: Address; board: Address },
  onBlock: (seen: BlockSeen) => Promise<void> | void,
): { stop(): Promise<void>; failed: Promise<never> } {
  let stopped = false;
  const run = async () => {
    let next = (await client.reader.getBlockNumber()) + 1n;
    while (!stopped) {
      const latest = await client.reader.getBlockNumber();
      for (; next <= latest && !stopped; next++) {
        const seenAt = Date.now();
        const [block, logs] = await Promise.all([
          client.reader.getBlock({ blockNumber: next }),
          client.reader.getLogs({
            address: [contracts.oracle, contracts.board],
            fromBlock: next,
            toBlock: next,
          }),
        ]);
        const settled = parseEventLogs({ abi: inferenceOracleAbi, eventName: "RequestSettled", logs });
        const judged = parseEventLogs({ abi: messageBoardAbi, eventName: "Judged", logs });
        await onBlock({
          block: { number: next, timestamp: Number(block.timestamp), seenAt },
          settlements: settled.map(({ args, transactionHash }) => ({
            ...args,
            transaction: transactionHash,
          })),
          judged: new Set(judged.map(({ args }) => args.requestId)),
        });
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  };
  const running = run();
  const failed = new Promise<never>((_, reject) => {
    running.catch((error: unknown) => {
      if (!stopped) reject(error);
    });
  });
  failed.catch(() => undefined);
  return {
    failed,
    async stop() {
      stopped = true;
      await running.catch(() => undefined);
    },
  };
}

/** The operators in `RequestSettled.signers`: eight ids of 32 bits, the first one highest, 0 for none. */
export function signersOf(signers: bigint): number[] {
  return Array.from({ length: 8 }, (_, place) =>
    Number((signers >> BigInt(224 - 32 * place)) & 0xffff_ffffn),
  ).filter((operatorId) => operatorId !== 0);
}
