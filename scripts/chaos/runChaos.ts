import { setTimeout as delay } from "node:timers/promises";
import type { PeerMessage } from "@sibyl/coprocessor";
import { inferenceOracleAbi, type RequestWords } from "@sibyl/sdk";
import { type Hex, parseEventLogs } from "viem";
import { deployer } from "../network/devAccounts.ts";
import type { Teardown } from "../network/teardown.ts";
import { until } from "../network/until.ts";
import { Asker } from "./asker.ts";
import { auditBalances, readChain } from "./chainAudit.ts";
import { allReady, type ChaosNetwork, startChaosNetwork } from "./chaosNetwork.ts";
import type { ChaosNode } from "./chaosNode.ts";
import { describeFault, type Schedule } from "./schedule.ts";
import { StatementBook } from "./statementBook.ts";
import { heal, runStorm } from "./storm.ts";
import { type ChaosResult, judge } from "./verdict.ts";

export interface ChaosRun {
  result: ChaosResult;
  /** What is wrong, in words: equivocations, balances, expired requests with their reasons. */
  remarks: string[];
  network: ChaosNetwork;
}

export interface ChaosRunOptions {
  schedule: Schedule;
  teardown: Teardown;
  /** Seconds that a request may wait for its answer. */
  lifetimeSeconds: number;
  tell(line: string): void;
  onNetwork?(network: ChaosNetwork): void;
}

const LOOK_MS = 500;
/** What a node may need until it has read the block that is later than a deadline. */
const PAGE_TIMEOUT_MS = 30_000;

/**
 * Makes a network, lets the storm have it, heals it, and waits until every request is answered or past its deadline. Then
 * reads from the chain what became of the requests and of the money, and from what it heard who signed what.
 */
export async function runChaos(options: ChaosRunOptions): Promise<ChaosRun> {
  const { schedule, teardown, lifetimeSeconds, tell } = options;
  const startMs = performance.now();
  const heard: PeerMessage[] = [];
  const network = await startChaosNetwork(teardown, (message) => heard.push(message), tell);
  options.onNetwork?.(network);
  const { client, protocol, attesters, models } = network;

  // The last request waits until all is healed, and needs everybody: it proves that all take part again.
  const probe = schedule.asks.at(-1);
  const stormy = { ...schedule, asks: schedule.asks.slice(0, -1) };
  tell(
    `storm: ${stormy.asks.length} requests and ${stormy.faults.length} faults in ${stormy.stormMs / 1_000} s`,
  );
  const asker = await Asker.start(network, lifetimeSeconds);
  teardown.add("asker", () => asker.stop());
  await runStorm(network, stormy, asker, tell);

  tell("healing");
  await heal(network);
  await allReady(network.nodes);
  if (probe !== undefined) await asker.ask({ ...probe, quorum: 3 });
  const requestIds = await asker.settleOnChain();
  await asker.stop();
  tell(`${requestIds.length} requests are on the chain; waiting for their answers or deadlines`);
  await allClosedOrOverdue(network, tell);

  const facts = await readChain(network);
  const closed = new Set([...facts.payouts, ...facts.refunds].map(({ requestId }) => requestId));
  const overdue = facts.opened
    .filter(({ requestId }) => !closed.has(requestId))
    .map(({ requestId }) => requestId);
  const reasons = await reasonsOf(network, overdue);
  await expire(network, overdue);
  const final = await readChain(network);

  const isExact = new Map(
    final.opened.map(({ requestId, fields }) => [requestId, fields.modelId === models.iris.modelId]),
  );
  const book = new StatementBook(
    { chainId: client.chain.id, oracle: protocol.oracle },
    (operatorId) => attesters.find((one) => one.operatorId === operatorId)?.address,
    (requestId) => isExact.get(requestId) ?? false,
  );
  for (const message of heard) book.hear(message);
  const equivocations = await book.equivocations();
  const balances = await auditBalances(network, final);
  const remarks = [
    ...[...reasons].map(([requestId, reason]) => `expired ${requestId}: ${reason}`),
    ...overdue.filter((id) => !reasons.has(id)).map((id) => `expired ${id}: nobody says why`),
    ...equivocations.map(
      ({ operatorId, requestId, slots, said }) =>
        `operator ${operatorId} contradicts itself about ${requestId}: ${slots[0]} ${said[0]}, ${slots[1]} ${said[1]}`,
    ),
    ...balances.faults,
    ...network.nodes.map(({ name, starts, crashes }) =>
      [`${name} was started ${starts} times`, ...crashes.map((crash) => `  ended by itself: ${crash}`)].join(
        "\n",
      ),
    ),
    `${(await book.signed()).length} statements heard`,
  ];
  const result: ChaosResult = {
    seed: schedule.seed,
    ...judge(final, reasons),
    equivocations: equivocations.length,
    balanceErrorWei: balances.errorWei.toString(),
    seconds: Math.round((performance.now() - startMs) / 1_000),
  };
  return { result, remarks, network };
}

export const scheduleText = (schedule: Schedule): string =>
  [
    `seed ${schedule.seed}: ${schedule.asks.length} requests, ${schedule.faults.length} faults`,
    ...schedule.faults.map(describeFault),
  ].join("\n");

/** Nobody can answer a request any more once a block is later than its deadline. */
async function allClosedOrOverdue(network: ChaosNetwork, tell: (line: string) => void): Promise<void> {
  let told = -1;
  for (;;) {
    const { opened, payouts, refunds } = await readChain(network);
    const closed = new Set([...payouts, ...refunds].map(({ requestId }) => requestId));
    const { timestamp } = await network.client.reader.getBlock();
    const open = opened.filter(
      ({ requestId, fields }) => !closed.has(requestId) && timestamp <= BigInt(fields.deadline),
    );
    if (open.length === 0) return;
    if (open.length !== told) tell(`${open.length} of ${opened.length} open`);
    told = open.length;
    await delay(LOOK_MS);
  }
}

/** Why each of these requests was not answered, by an operator that was drawn for it. */
async function reasonsOf(network: ChaosNetwork, requestIds: readonly Hex[]): Promise<Map<Hex, string>> {
  const reasons = new Map<Hex, string>();
  for (const requestId of requestIds) {
    const pages = await Promise.all(network.nodes.map((node) => finalPage(node, requestId)));
    const said = pages.filter((page) => page !== null);
    if (said.length > 0) reasons.set(requestId, said.join("; "));
  }
  return reasons;
}

/** What a node says about a request that is over; null when it was not drawn, or does not come to say anything. */
async function finalPage(node: ChaosNode, requestId: Hex): Promise<string | null> {
  const page = await until(
    `${node.name} to give up ${requestId}`,
    async () => {
      const explanation = await node.explain(requestId);
      if (explanation === null) return "unknown" as const;
      return explanation.state === "expired" || explanation.state === "parked" ? explanation : null;
    },
    { timeoutMs: PAGE_TIMEOUT_MS },
  ).catch(() => "unknown" as const);
  return page === "unknown" || page.reason === null ? null : `${node.name} (${page.state}): ${page.reason}`;
}

/** Asks the oracle for the refunds, as anybody may. */
async function expire({ client, protocol }: ChaosNetwork, requestIds: readonly Hex[]): Promise<void> {
  const logs = await client.reader.getLogs({ address: protocol.oracle, fromBlock: protocol.startBlock });
  const words = new Map<Hex, RequestWords>(
    parseEventLogs({ abi: inferenceOracleAbi, eventName: "RequestOpened", logs }).map(({ args }) => [
      args.requestId,
      args.request,
    ]),
  );
  const wallet = client.as(deployer());
  for (const requestId of requestIds) {
    const request = words.get(requestId);
    if (request === undefined) throw new Error(`request ${requestId} has no log`);
    const hash = await wallet.writeContract({
      abi: inferenceOracleAbi,
      address: protocol.oracle,
      functionName: "expire",
      args: [request],
    });
    await client.mined(hash, `expiring ${requestId}`);
  }
}
