import { setTimeout as delay } from "node:timers/promises";
import { parseGwei } from "viem";
import { asker as flooder } from "../network/devAccounts.ts";
import { rpcCall, rpcResult } from "../network/rpcCall.ts";
import { startRedis } from "../services/redis.ts";
import type { Asker } from "./asker.ts";
import type { ChaosNetwork } from "./chaosNetwork.ts";
import type { ChaosNode } from "./chaosNode.ts";
import { describeFault, type Fault, type Schedule } from "./schedule.ts";

/** The schema that a node keeps its rows in. */
const STORE_SCHEMA = "sibyl";
const GAS_OF_TRANSFER = 21_000n;

interface Storm {
  network: ChaosNetwork;
  /** One chain-wide fault at a time, so that each finds a chain that stands still otherwise. */
  chainFaults: Promise<void>;
  /** One thing at a time per node: what is down cannot be killed. */
  nodeFaults: Promise<void>[];
  redisFaults: Promise<void>;
  serverFaults: Promise<void>;
  tell(line: string): void;
}

/**
 * Runs a schedule: requests and faults at their times, each fault to its end. A fault that cannot be had, because what it
 * hits is down already for one, is told and counts as done.
 */
export async function runStorm(
  network: ChaosNetwork,
  schedule: Schedule,
  asker: Asker,
  tell: (line: string) => void,
): Promise<void> {
  const done = Promise.resolve();
  const nodeFaults = network.nodes.map(() => done);
  const storm: Storm = {
    network,
    chainFaults: done,
    nodeFaults,
    redisFaults: done,
    serverFaults: done,
    tell,
  };
  const startMs = performance.now();
  const happenings = [
    ...schedule.asks.map((ask) => ({ atMs: ask.atMs, happen: () => asker.ask(ask) })),
    ...schedule.faults.map((fault) => ({ atMs: fault.atMs, happen: () => happen(storm, fault) })),
  ].sort((a, b) => a.atMs - b.atMs);
  const running: Promise<void>[] = [];
  for (const { atMs, happen: start } of happenings) {
    await delay(Math.max(0, startMs + atMs - performance.now()));
    running.push(start());
  }
  await Promise.all(running);
}

/** Ends everything that still goes wrong: clocks are set right, disks have room, every node and server runs. */
export async function heal(network: ChaosNetwork): Promise<void> {
  for (const rpc of network.rpcs.flat()) rpc.misbehave(null);
  for (const node of network.nodes) {
    node.fillDisk(false);
    if (node.isSkewed) await node.kill();
    node.skewClock(0);
    node.start();
  }
}

async function happen(storm: Storm, fault: Fault): Promise<void> {
  const run = async () => {
    storm.tell(describeFault(fault));
    try {
      await strike(storm, fault);
    } catch (error) {
      storm.tell(`          ${fault.kind} could not be had: ${(error as Error).message}`);
    }
  };
  const after = (previous: Promise<void>) => previous.then(run);
  switch (fault.kind) {
    case "reorg":
    case "rollback":
    case "drop-pool":
    case "base-fee":
    case "flood-pool":
      storm.chainFaults = after(storm.chainFaults);
      return storm.chainFaults;
    case "redis-stop":
    case "redis-wipe":
      storm.redisFaults = after(storm.redisFaults);
      return storm.redisFaults;
    case "crash-server":
      storm.serverFaults = after(storm.serverFaults);
      return storm.serverFaults;
    case "rpc":
    case "disk-full":
    case "kill-worker":
      return run();
    default: {
      const next = after(storm.nodeFaults[fault.node] ?? Promise.resolve());
      storm.nodeFaults[fault.node] = next;
      return next;
    }
  }
}

async function strike(storm: Storm, fault: Fault): Promise<void> {
  const { network } = storm;
  const { client, redis, postgres } = network;
  switch (fault.kind) {
    case "kill": {
      const node = nodeAt(network, fault.node);
      await node.kill();
      await delay(fault.downMs);
      return node.start();
    }
    case "terminate": {
      const node = nodeAt(network, fault.node);
      await node.terminate();
      return node.start();
    }
    case "kill-worker":
      nodeAt(network, fault.node).killWorkers();
      return;
    case "wipe-store": {
      const node = nodeAt(network, fault.node);
      await node.kill();
      node.wipeDataDirectory();
      if (fault.node === network.nodes.length - 1) {
        await storm.serverFaults;
        await postgres.dropSchema(STORE_SCHEMA);
      }
      await delay(fault.downMs);
      return node.start();
    }
    case "crash-server":
      await postgres.kill();
      await delay(fault.downMs);
      return postgres.startAgain();
    case "redis-stop":
      process.kill(redis.server.pid, "SIGSTOP");
      await delay(fault.forMs);
      process.kill(redis.server.pid, "SIGCONT");
      return;
    case "redis-wipe": {
      const { port } = redis.server;
      await redis.server.kill();
      await delay(fault.downMs);
      redis.server = await startRedis({ path: redis.path, port });
      return;
    }
    case "skew": {
      const node = nodeAt(network, fault.node);
      await node.kill();
      node.skewClock(fault.skewMs);
      return node.start();
    }
    case "disk-full": {
      const node = nodeAt(network, fault.node);
      node.fillDisk(true);
      await delay(fault.forMs);
      return node.fillDisk(false);
    }
    case "rpc": {
      const rpc = network.rpcs[fault.node]?.[fault.endpoint];
      rpc?.misbehave(fault.fault);
      await delay(fault.forMs);
      return rpc?.misbehave(null);
    }
    case "reorg":
      return reorg(network, fault.depth, fault.withTransactions);
    case "rollback":
      await rpcResult(client.rpcUrl, "anvil_rollback", [await reachable(network, fault.depth)]);
      return setTimeRight(network);
    case "drop-pool":
      await rpcResult(client.rpcUrl, "anvil_dropAllTransactions", []);
      return;
    case "base-fee":
      await rpcResult(client.rpcUrl, "anvil_setNextBlockBaseFeePerGas", [
        `0x${parseGwei(String(fault.gwei)).toString(16)}`,
      ]);
      return;
    case "flood-pool":
      return flood(network, fault.transactions);
  }
}

function nodeAt({ nodes }: ChaosNetwork, place: number): ChaosNode {
  const node = nodes[place];
  if (node === undefined) throw new Error(`there is no node ${place}`);
  return node;
}

/** No deeper than to where the storm began: registrations are no subject of it. */
async function reachable({ client, readyBlock }: ChaosNetwork, depth: number): Promise<number> {
  const head = await client.reader.getBlockNumber({ cacheTime: 0 });
  const most = Number(head - readyBlock);
  if (most < 1) throw new Error("no block of the storm's own yet");
  return Math.min(depth, most);
}

/** Replaces the newest blocks by as many others, whose transactions come one block later or not at all. */
async function reorg(network: ChaosNetwork, planned: number, withTransactions: boolean): Promise<void> {
  const { client } = network;
  const depth = await reachable(network, planned);
  const pairs: [string, number][] = [];
  if (withTransactions) {
    const head = await client.reader.getBlockNumber({ cacheTime: 0 });
    for (let place = 0; place < depth; place++) {
      const blockNumber = head - BigInt(depth - 1 - place);
      const { transactions } = await client.reader.getBlock({ blockNumber });
      for (const hash of transactions) {
        const raw = await rpcResult<string>(client.rpcUrl, "eth_getRawTransactionByHash", [hash]);
        pairs.push([raw, Math.min(place + 1, depth - 1)]);
      }
    }
  }
  await rpcResult(client.rpcUrl, "anvil_reorg", [depth, pairs]);
  await setTimeRight(network);
}

/** anvil goes on from the replaced blocks' time, and would stay behind by as many seconds as it replaced. */
async function setTimeRight({ client }: ChaosNetwork): Promise<void> {
  await rpcResult(client.rpcUrl, "anvil_setTime", [Math.floor(Date.now() / 1_000)]);
}

/** Transfers of somebody who pays well, so that they come before others. */
async function flood({ client }: ChaosNetwork, transactions: number): Promise<void> {
  const account = flooder();
  const first = await client.reader.getTransactionCount({ address: account.address });
  const raws = await Promise.all(
    Array.from({ length: transactions }, (_, place) =>
      account.signTransaction({
        type: "eip1559",
        chainId: client.chain.id,
        to: account.address,
        nonce: first + place,
        gas: GAS_OF_TRANSFER,
        maxFeePerGas: parseGwei("300"),
        maxPriorityFeePerGas: parseGwei("5"),
      }),
    ),
  );
  for (const raw of raws) await rpcCall(client.rpcUrl, "eth_sendRawTransaction", [raw]);
}
