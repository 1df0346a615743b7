import type { Address } from "viem";
import type { BlockRef } from "../core/block.ts";
import { CoprocessorError } from "../core/errors.ts";
import { rpcRefusal } from "../rpc/rpcRefusal.ts";
import type { Arbiters } from "./arbiters.ts";
import type { ChainReader } from "./chainReader.ts";
import { decodeLog, type FollowedContracts } from "./decodeLog.ts";
import type { KnownHeads } from "./knownHeads.ts";
import type { ChainEvent, ChainStep } from "./port.ts";
import type { RangeSize } from "./rangeSize.ts";
import type { RawLog } from "./rawLog.ts";

/** Distance to the head within which blocks are read one by one, by hash; also what a reorg usually stays within. */
const TIP_BLOCKS = 64n;
/** Known heads compared in one go when a reorg's ancestor is looked for. */
const ANCESTOR_BATCH = 16;

export interface FollowState {
  reader: ChainReader;
  contracts: FollowedContracts;
  arbiters: Arbiters;
  courts: readonly Address[];
  heads: KnownHeads;
  range: RangeSize;
  startBlock: bigint;
  /** Null: the chain's `finalized` tag decides. */
  confirmations: number | null;
  /** Of the last `finalized` step; -1 before the first. */
  finalizedNumber: bigint;
  /** Whether nothing was read yet since following began. */
  isFirstLook: boolean;
}

/**
 * Looks at the chain once and says what happened since `heads`, without changing `heads`: a failure half-way loses
 * nothing, the next look starts from the same place.
 *
 * @returns the steps, and whether there is more to read at once.
 * @throws CoprocessorError `chain/moved` when the chain changed while it was read, `chain/behind` when the endpoint
 * has not reached our blocks, `chain/reorg-too-deep`, and what the reader throws.
 */
export async function nextSteps(state: FollowState): Promise<{ steps: ChainStep[]; more: boolean }> {
  const { reader, heads } = state;
  const latest = await reader.block("latest");
  if (!latest) throw moved("the endpoint has no latest block");
  const cursor = heads.cursor;
  if (!cursor) return firstStep(state, latest);

  if (latest.hash === cursor.hash) {
    // Most looks find nothing new and so cost one call: finality is asked for with each new head.
    if (!state.isFirstLook) return { steps: [], more: false };
    return withFinality(state, [], await finalAt(state, latest), false);
  }
  if (latest.number <= cursor.number) {
    // A head below ours on our own branch is an endpoint that lags, or a chain cut short whose new blocks will show.
    if (await isOnOurBranch(state, latest)) return { steps: [], more: false };
    return reorg(state, latest);
  }
  if (latest.number - cursor.number > TIP_BLOCKS) return rangeStep(state, cursor, latest);
  return tipSteps(state, cursor, latest);
}

/** The block before the first one of interest, without events: what a reorg of the very first block goes back to. */
async function firstStep(
  state: FollowState,
  latest: BlockRef,
): Promise<{ steps: ChainStep[]; more: boolean }> {
  const anchorNumber = state.startBlock > 0n ? state.startBlock - 1n : 0n;
  if (latest.number < anchorNumber) {
    throw new CoprocessorError(
      `The RPC endpoint is at block ${latest.number}, before the start block ${state.startBlock}.`,
      {
        code: "chain/behind",
        retry: "backoff",
        meta: { head: String(latest.number), startBlock: String(state.startBlock) },
      },
    );
  }
  const anchor = await state.reader.block(anchorNumber);
  if (!anchor) throw moved(`block ${anchorNumber} is not there`);
  return { steps: [{ type: "blocks", head: anchor, events: [] }], more: true };
}

async function tipSteps(state: FollowState, cursor: BlockRef, latest: BlockRef) {
  const { reader } = state;
  const numbers: bigint[] = [];
  for (let number = cursor.number + 1n; number < latest.number; number += 1n) numbers.push(number);
  const blocks: BlockRef[] = [];
  for (const block of [...(await Promise.all(numbers.map((number) => reader.block(number)))), latest]) {
    const parent = blocks.at(-1);
    if (!block || (parent && block.parentHash !== parent.hash))
      throw moved("the newest blocks do not link up");
    blocks.push(block);
  }
  if (blocks[0]?.parentHash !== cursor.hash) return reorg(state, latest);

  // By hash, so that a log can only be of the block that is reported, whichever server answers.
  const logsOf = (block: BlockRef) =>
    reader.logs({ blockHash: block.hash }).catch((error: unknown) => {
      if (!rpcRefusal(error)) throw error;
      throw moved(`the logs of block ${block.number} could not be read`, error);
    });
  const [logs, finalNumber] = await Promise.all([Promise.all(blocks.map(logsOf)), finalAt(state, latest)]);
  // Their own logs were not asked for: look again with the wider question.
  if (await state.arbiters.learn(logs.flat())) return { steps: [], more: true };
  const steps = blocks.map(
    (head, index): ChainStep => ({ type: "blocks", head, events: decode(state, logs[index] ?? []) }),
  );
  return withFinality(state, steps, finalNumber, false);
}

async function rangeStep(state: FollowState, cursor: BlockRef, latest: BlockRef) {
  const { reader, range } = state;
  const finalNumber = await finalAt(state, latest);
  // Ranges stay away from the head: what they read is final, or at least deeper than usual reorgs and lagging servers.
  const deepest = max(latest.number - TIP_BLOCKS, finalNumber ?? 0n);
  const to = min(cursor.number + range.blocks, deepest);
  let logs: RawLog[];
  let head: BlockRef | null;
  let base: BlockRef | null;
  try {
    // One tick, one batch, one server: it cannot answer logs for a range whose end it does not have.
    [base, logs, head] = await Promise.all([
      reader.block(cursor.number),
      reader.logs({ from: cursor.number + 1n, to }),
      reader.block(to),
    ]);
  } catch (error) {
    if (range.failed(error)) return { steps: [], more: true };
    throw error;
  }
  if (!base || !head) throw moved(`block ${to} is not there`);
  if (base.hash !== cursor.hash) return reorg(state, latest);
  await requireConsistent(state, head, logs, finalNumber);
  range.succeeded(logs.length);
  if (await state.arbiters.learn(logs)) return { steps: [], more: true };
  return withFinality(state, [{ type: "blocks", head, events: decode(state, logs) }], finalNumber, true);
}

/** Makes sure that all logs belong to the branch of `head`, also after they were read. */
async function requireConsistent(
  state: FollowState,
  head: BlockRef,
  logs: RawLog[],
  finalNumber: bigint | null,
) {
  const hashes = new Map<bigint, string>([[head.number, head.hash]]);
  for (const log of logs) {
    const hash = hashes.get(log.blockNumber);
    if (hash !== undefined && hash !== log.blockHash)
      throw moved(`two branches in the logs of block ${log.blockNumber}`);
    hashes.set(log.blockNumber, log.blockHash);
  }
  const final = finalNumber !== null && head.number <= finalNumber;
  const numbers = final ? [head.number] : [...hashes.keys()];
  const blocks = await Promise.all(numbers.map((number) => state.reader.block(number)));
  for (const [index, number] of numbers.entries()) {
    if (blocks[index]?.hash !== hashes.get(number))
      throw moved(`block ${number} changed while its logs were read`);
  }
}

async function isOnOurBranch(state: FollowState, latest: BlockRef): Promise<boolean> {
  const head = state.heads.atOrBelow(latest.number);
  if (!head) throw behind(state, latest);
  if (head.number === latest.number) return head.hash === latest.hash;
  const there = await state.reader.block(head.number);
  return there?.hash === head.hash;
}

/** Goes back to the newest known head that is still on the chain. */
async function reorg(state: FollowState, latest: BlockRef): Promise<{ steps: ChainStep[]; more: boolean }> {
  const candidates = state.heads.newestFirst();
  let oldestSeen: BlockRef | null = null;
  for (let start = 0; start < candidates.length; start += ANCESTOR_BATCH) {
    const batch = candidates.slice(start, start + ANCESTOR_BATCH);
    const there = await Promise.all(batch.map(({ number }) => state.reader.block(number)));
    const found = batch.findIndex((head, index) => there[index]?.hash === head.hash);
    const ancestor = batch[found];
    if (ancestor) {
      // The cursor itself: the chain moved back to our branch in the meantime.
      const steps: ChainStep[] = ancestor === candidates[0] ? [] : [{ type: "reorg", ancestor }];
      return { steps, more: true };
    }
    oldestSeen = there.at(-1) ?? null;
  }
  const oldest = state.heads.oldest;
  // An endpoint that has no block at that height proves nothing: it may still be syncing.
  if (!oldest || !oldestSeen) throw behind(state, latest);
  throw new CoprocessorError(
    `Block ${oldest.number} (${oldest.hash}) is no longer on the chain: a reorg deeper than what this node holds ` +
      "as final, or another chain with the same id. Check the RPC endpoint; if it is right, rebuild the node's state.",
    {
      code: "chain/reorg-too-deep",
      retry: "never",
      meta: { block: String(oldest.number), expected: oldest.hash, found: oldestSeen.hash },
    },
  );
}

function withFinality(state: FollowState, steps: ChainStep[], finalNumber: bigint | null, more: boolean) {
  if (finalNumber === null) return { steps, more };
  const fresh = steps.flatMap((step) => (step.type === "blocks" ? [step.head] : []));
  const block = fresh.findLast(({ number }) => number <= finalNumber) ?? state.heads.atOrBelow(finalNumber);
  if (block && block.number > state.finalizedNumber) steps.push({ type: "finalized", block });
  return { steps, more };
}

/** The height up to which the chain is final; null when its `finalized` tag decides and it has none (yet). */
async function finalAt({ reader, confirmations }: FollowState, latest: BlockRef): Promise<bigint | null> {
  if (confirmations !== null) return latest.number - BigInt(confirmations);
  try {
    return (await reader.block("finalized"))?.number ?? null;
  } catch (error) {
    if (error instanceof CoprocessorError && error.code === "rpc/refused") return null;
    throw error;
  }
}

function decode({ contracts, arbiters, courts }: FollowState, logs: readonly RawLog[]): ChainEvent[] {
  const arbiterAt = (address: Address) => arbiters.of(address);
  return logs.flatMap((log) => decodeLog(contracts, log, arbiterAt, courts) ?? []);
}

function moved(fact: string, cause?: unknown): CoprocessorError {
  return new CoprocessorError(`The chain changed while it was read: ${fact}.`, {
    code: "chain/moved",
    retry: "backoff",
    cause,
  });
}

function behind({ heads }: FollowState, latest: BlockRef): CoprocessorError {
  const oldest = String(heads.oldest?.number);
  return new CoprocessorError(
    `The RPC endpoint is at block ${latest.number}, before block ${oldest} that this node has followed already: ` +
      "it is still syncing, or serves a chain that began anew.",
    { code: "chain/behind", retry: "backoff", meta: { head: String(latest.number), oldest } },
  );
}

const max = (a: bigint, b: bigint) => (a > b ? a : b);
const min = (a: bigint, b: bigint) => (a < b ? a : b);
