import { setTimeout as delay } from "node:timers/promises";
import { decodeClassification, fromWad, inferenceOracleAbi, unpackFunds, unpackRequest } from "@sibyl/sdk";
import { type Address, type Hex, parseEventLogs } from "viem";
import { author } from "../network/devAccounts.ts";
import { messageBoardAbi } from "../network/messageBoardAbi.ts";
import type { Operator } from "../network/operator.ts";
import type { Network } from "../network/startNetwork.ts";
import { until } from "../network/until.ts";
import type { MessageProgress, SeenBlock, SettlementSeen } from "./messageProgress.ts";
import { type BlockSeen, signersOf, watchOracle } from "./oracleWatch.ts";
import type { Sample } from "./samples.ts";

/** Milliseconds between looks at an operator's status while messages are open. */
const STATUS_MS = 300;
/** Past a deadline the next block lets anybody expire the request. */
const AFTER_DEADLINE_SECONDS = 30;

export interface MessageRunOptions {
  network: Network;
  board: Address;
  samples: readonly Sample[];
  /** Messages that may be open at once; the next one waits. What is measured is an answer's time, not a backlog's. */
  maxOpen: number;
  /** Told after every change. */
  onChange: (message: MessageProgress) => void;
}

/**
 * Sends messages through the example contract, one per block, and watches what becomes of them.
 *
 * A message that nobody answered by its deadline is expired, which refunds it.
 */
export async function runMessages(options: MessageRunOptions): Promise<MessageProgress[]> {
  const { network, board, samples, onChange } = options;
  const messages: MessageProgress[] = samples.map((sample, index) => ({
    number: index + 1,
    sample,
    opening: null,
    drawn: [],
    committed: [],
    settlement: null,
    expiry: null,
  }));
  /** What the chain said; on a busy machine it may say more before we know our own transaction's receipt. */
  const blocks = new Map<bigint, SeenBlock>();
  const settlements = new Map<Hex, SettlementSeen>();
  const takeSettlement = (message: MessageProgress) => {
    const settlement = message.opening === null ? undefined : settlements.get(message.opening.requestId);
    if (settlement === undefined || message.settlement !== null) return;
    message.settlement = settlement;
    onChange(message);
  };
  const watch = watchOracle(network.client, { oracle: network.protocol.oracle, board }, async (seen) => {
    blocks.set(seen.block.number, seen.block);
    await addSettlements(network, seen, settlements);
    for (const message of messages) takeSettlement(message);
  });
  const asking = startAsking(network, messages, onChange);
  try {
    for (const message of messages) {
      await Promise.race([turnToPost(network, messages, options.maxOpen), watch.failed]);
      await Promise.race([post(network, board, message, blocks), watch.failed]);
      onChange(message);
      takeSettlement(message);
    }
    for (const message of messages) {
      await Promise.race([closed(network, message), watch.failed]);
    }
    await asking.stop();
    await askOperators(network, messages, onChange);
    for (const message of messages) {
      if (message.settlement !== null || message.opening === null) continue;
      await expire(network, message);
      onChange(message);
    }
    return messages;
  } finally {
    await asking.stop();
    await watch.stop();
  }
}

/** Waits until fewer than `maxOpen` messages are open; a message past its deadline holds nobody up. */
function turnToPost(network: Network, messages: readonly MessageProgress[], maxOpen: number): Promise<true> {
  const overdueAt =
    Math.max(...messages.map(({ opening }) => opening?.deadline ?? 0)) + AFTER_DEADLINE_SECONDS;
  return until(
    "an open message to be settled or overdue",
    async () => {
      const open = messages.filter(({ opening, settlement }) => opening !== null && settlement === null);
      if (open.length < maxOpen) return true;
      const { timestamp } = await network.client.reader.getBlock();
      const inTime = open.filter(({ opening }) => opening !== null && opening.deadline >= Number(timestamp));
      return inTime.length < maxOpen ? true : null;
    },
    { timeoutMs: Math.max(0, overdueAt * 1_000 - Date.now()), everyMs: 50 },
  );
}

async function post(
  network: Network,
  board: Address,
  message: MessageProgress,
  blocks: ReadonlyMap<bigint, SeenBlock>,
): Promise<void> {
  const { client } = network;
  const { text } = message.sample;
  const paidWei = await client.reader.readContract({
    abi: messageBoardAbi,
    address: board,
    functionName: "postFee",
    args: [text],
  });
  const hash = await client.as(author()).writeContract({
    abi: messageBoardAbi,
    address: board,
    functionName: "post",
    args: [text],
    value: paidWei,
  });
  const receipt = await client.mined(hash, `posting message ${message.number}`);
  const block = await until(`block ${receipt.blockNumber}`, () => blocks.get(receipt.blockNumber), {
    timeoutMs: 10_000,
    everyMs: 20,
  });
  const [opened] = parseEventLogs({
    abi: inferenceOracleAbi,
    eventName: "RequestOpened",
    logs: receipt.logs,
  });
  if (opened === undefined) throw new Error(`message ${message.number} opened no request (${hash})`);
  const { requestId, request } = opened.args;
  message.opening = { requestId, request, deadline: unpackRequest(request).deadline, block, paidWei };
}

/** Adds what a block settled. */
async function addSettlements(
  network: Network,
  seen: BlockSeen,
  settlements: Map<Hex, SettlementSeen>,
): Promise<void> {
  for (const { requestId, output, signers, transaction } of seen.settlements) {
    const { label, confidence } = decodeClassification(output);
    const { gasUsed } = await network.client.reader.getTransactionReceipt({ hash: transaction });
    settlements.set(requestId, {
      transaction,
      block: seen.block,
      gasUsed,
      signers: signersOf(signers),
      callbackLanded: seen.judged.has(requestId),
      label: network.model.manifest.output.labels?.[label] ?? `label ${label}`,
      confidence: fromWad(confidence),
    });
  }
}

/** Waits until a message is settled, or its deadline has passed on chain. */
async function closed(network: Network, message: MessageProgress): Promise<void> {
  const { opening } = message;
  if (opening === null) return;
  const secondsLeft = Math.max(0, opening.deadline - Date.now() / 1_000);
  await until(
    `message ${message.number} to be settled or overdue`,
    async () => {
      if (message.settlement !== null) return true;
      const { timestamp } = await network.client.reader.getBlock();
      return timestamp > BigInt(opening.deadline) ? true : null;
    },
    { timeoutMs: (secondsLeft + AFTER_DEADLINE_SECONDS) * 1_000 },
  );
}

async function expire(network: Network, message: MessageProgress): Promise<void> {
  const { opening } = message;
  if (opening === null) return;
  const { client, protocol } = network;
  const reason = await reasonFor(network.operators, opening.requestId);
  const hash = await client.as(author()).writeContract({
    abi: inferenceOracleAbi,
    address: protocol.oracle,
    functionName: "expire",
    args: [opening.request],
  });
  const receipt = await client.mined(hash, `expiring message ${message.number}`);
  const [expired] = parseEventLogs({
    abi: inferenceOracleAbi,
    eventName: "RequestExpired",
    logs: receipt.logs,
  });
  if (expired === undefined) throw new Error(`message ${message.number} did not expire (${hash})`);
  const { fee, gasReserve } = unpackFunds(expired.args.refunded);
  message.expiry = { transaction: hash, refundedWei: fee + gasReserve, reason };
}

/** What the running operators say, each reason once. */
async function reasonFor(operators: readonly Operator[], requestId: Hex): Promise<string> {
  const byReason = new Map<string, number[]>();
  for (const { operatorId, explain, process } of operators) {
    if (process === null) continue;
    const reason = (await explain(requestId).catch(() => null))?.reason ?? "knows of no reason";
    byReason.set(reason, [...(byReason.get(reason) ?? []), operatorId]);
  }
  if (byReason.size === 0) return "no operator runs";
  return [...byReason].map(([reason, ids]) => `operator ${ids.join(", ")}: "${reason}"`).join("; ");
}

/** Keeps the operators' view of the open messages up to date. */
function startAsking(
  network: Network,
  messages: readonly MessageProgress[],
  onChange: (message: MessageProgress) => void,
): { stop(): Promise<void> } {
  let stopped = false;
  const run = async () => {
    while (!stopped) {
      const open = messages.filter(({ settlement }) => settlement === null);
      await askOperators(network, open, onChange);
      await delay(STATUS_MS);
    }
  };
  const running = run();
  return {
    stop() {
      stopped = true;
      return running;
    },
  };
}

/** Looks at one operator's page for each message, at another operator's for the next. */
async function askOperators(
  network: Network,
  messages: readonly MessageProgress[],
  onChange: (message: MessageProgress) => void,
): Promise<void> {
  const running = network.operators.filter(({ process }) => process !== null);
  for (const message of messages) {
    const operator = running[message.number % running.length];
    if (message.opening === null || operator === undefined) continue;
    const explanation = await operator.explain(message.opening.requestId).catch(() => null);
    if (explanation === null) continue;
    const drawnNow = explanation.seats.filter(({ role }) => role === "primary" || role === "standby");
    message.drawn = drawnNow.map(({ operatorId }) => operatorId).sort((a, b) => a - b);
    message.committed = explanation.seats
      .filter(({ committed }) => committed)
      .map(({ operatorId }) => operatorId)
      .sort((a, b) => a - b);
    onChange(message);
  }
}
