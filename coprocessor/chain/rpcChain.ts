import { setTimeout as sleep } from "node:timers/promises";
import type { Address } from "viem";
import type { BlockRef } from "../core/block.ts";
import { CoprocessorError } from "../core/errors.ts";
import type { Log } from "../observe/port.ts";
import type { RpcClient } from "../rpc/rpcClient.ts";
import { hexData } from "../rpc/rpcSchemas.ts";
import { Arbiters } from "./arbiters.ts";
import { type ChainReader, createChainReader } from "./chainReader.ts";
import type { FollowedContracts } from "./decodeLog.ts";
import type { HeadHints } from "./headHints.ts";
import { KnownHeads } from "./knownHeads.ts";
import { nextSteps } from "./nextSteps.ts";
import { NO_COURTS, type OpeningCourts } from "./openingCourts.ts";
import { pollIntervalMs } from "./pollInterval.ts";
import type { Chain, ChainStep } from "./port.ts";
import { RangeSize } from "./rangeSize.ts";

export interface RpcChainOptions {
  rpc: RpcClient;
  contracts: FollowedContracts;
  /** Followed too, and those that they come to be; none when not given. */
  courts?: OpeningCourts;
  /** Block of the first deployment: nothing before it is read. */
  startBlock: bigint;
  /** Blocks after which one is final; when not given, the chain's `finalized` tag says so. */
  confirmations?: number;
  /** Milliseconds between looks at the head; see `pollIntervalMs` when not given. */
  pollIntervalMs?: number;
  /** Most blocks of one `eth_getLogs`; 10,000 when not given. */
  maxRangeBlocks?: bigint;
  /** Announces new heads, so that a look need not wait for its turn; without it the chain is polled alone. */
  hints?: HeadHints;
  /** Called with each look at the chain, also with one that failed. */
  onTurn?: () => void;
  log: Log;
}

const FIRST_RANGE_BLOCKS = 2_000n;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;

/**
 * Follows a chain over JSON-RPC by polling.
 *
 * Near the head every block is a step of its own, read by its hash and linked to its parent; far behind the head one
 * step spans a range of blocks. A dead or unwilling endpoint is logged as `chain/rpc-failed` and tried again for
 * ever.
 *
 * @throws CoprocessorError `chain/no-contract` when an address holds no code, `rpc/unreachable` when no endpoint
 * answers.
 */
export async function createRpcChain(options: RpcChainOptions): Promise<Chain> {
  const { rpc, contracts, courts = NO_COURTS, hints, log } = options;
  await requireCode(rpc, contracts);
  const arbiters = new Arbiters(rpc, contracts.oracle, log);
  await arbiters.discover();
  const followed = () => [
    contracts.oracle,
    contracts.operatorRegistry,
    contracts.modelRegistry,
    ...arbiters.addresses(),
    ...courts.addresses(),
  ];
  const reader = createChainReader(rpc, followed, log);

  async function* follow(known: readonly BlockRef[], signal: AbortSignal): AsyncGenerator<ChainStep> {
    const heads = new KnownHeads(known);
    const range = new RangeSize(FIRST_RANGE_BLOCKS, options.maxRangeBlocks ?? 10_000n);
    let finalizedNumber = -1n;
    let isFirstLook = true;
    let failures = 0;
    while (!signal.aborted) {
      options.onTurn?.();
      hints?.lookBegins();
      let more: boolean;
      let steps: ChainStep[];
      try {
        ({ steps, more } = await unlessAborted(
          nextSteps({
            reader,
            contracts,
            arbiters,
            courts: courts.addresses(),
            heads,
            range,
            startBlock: options.startBlock,
            confirmations: options.confirmations ?? null,
            finalizedNumber,
            isFirstLook,
          }),
          signal,
        ));
        // The same blocks may hold logs of a court that they name: they are read once more, with it.
        if (await unlessAborted(courts.admit(eventsOf(steps)), signal)) continue;
        if (failures > 0) log.info({ failures }, "the chain can be read again");
        failures = 0;
        isFirstLook = false;
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof CoprocessorError) || error.retry === "never") throw error;
        failures += 1;
        const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** (failures - 1), LONGEST_PAUSE_MS);
        // A head that moves while it is read is everyday life near the tip; only a lasting failure is worth a line.
        const quiet = error.code === "chain/moved" && failures < 5;
        log[quiet ? "debug" : "warn"](
          { code: "chain/rpc-failed", cause: error.code, failures, pauseMs, reason: error.message },
          "the chain could not be read; trying again",
        );
        if (!(await pause(pauseMs, signal))) return;
        continue;
      }
      for (const step of steps) {
        if (signal.aborted) return;
        heads.apply(step);
        if (step.type === "finalized") finalizedNumber = step.block.number;
        if (step.type === "blocks") reportMalformed(step, log);
        yield step;
      }
      const hintedMs = hints?.pauseMs(steps.length > 0) ?? Number.POSITIVE_INFINITY;
      const { loopback } = rpc;
      const ownMs =
        options.pollIntervalMs ?? pollIntervalMs({ loopback, blockTimeMs: heads.blockTimeMs(), hints });
      const pauseMs = Math.min(ownMs, hintedMs);
      if (!more && !(await pause(pauseMs, signal, hints))) return;
    }
  }

  return {
    chainId: rpc.chainId,
    follow,
    arbiter: (which) => (typeof which === "number" ? arbiters.at(which) : (arbiters.of(which) ?? null)),
    head: () => latest(reader),
  };
}

const eventsOf = (steps: readonly ChainStep[]) =>
  steps.flatMap((step) => (step.type === "blocks" ? step.events : []));

async function latest(reader: ChainReader): Promise<BlockRef> {
  const block = await reader.block("latest");
  if (block) return block;
  throw new CoprocessorError("The RPC endpoint has no latest block.", {
    code: "rpc/bad-answer",
    retry: "backoff",
  });
}

async function requireCode(rpc: RpcClient, contracts: FollowedContracts): Promise<void> {
  const entries = Object.entries(contracts) as [keyof FollowedContracts, Address][];
  await Promise.all(
    entries.map(async ([name, address]) => {
      const code = await rpc.request(hexData, "eth_getCode", [address, "latest"]);
      if (code !== "0x") return;
      throw new CoprocessorError(
        `There is no contract at the ${name} address ${address} on chain ${rpc.chainId}.`,
        {
          code: "chain/no-contract",
          retry: "never",
          meta: { name, address, chainId: rpc.chainId },
        },
      );
    }),
  );
}

function reportMalformed(step: ChainStep & { type: "blocks" }, log: Log): void {
  for (const event of step.events) {
    if (event.type !== "Malformed") continue;
    const { address, eventName, reason, position } = event;
    log.warn(
      {
        code: "chain/malformed-log",
        address,
        eventName,
        reason,
        block: String(position.blockNumber),
        transaction: position.transactionHash,
        logIndex: position.logIndex,
      },
      "a log is not what it claims to be; it is recorded and not acted on",
    );
  }
}

/** Ends early when a head is announced. False when aborted. */
async function pause(ms: number, signal: AbortSignal, hints?: HeadHints): Promise<boolean> {
  const woken = new AbortController();
  const forget = hints?.onHint(() => woken.abort());
  await sleep(ms, undefined, { signal: AbortSignal.any([signal, woken.signal]) }).catch(() => undefined);
  forget?.();
  return !signal.aborted;
}

/** Rejects as soon as `signal` aborts; the work's own end is then of no interest. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
