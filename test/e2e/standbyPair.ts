import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Address } from "viem";
import { afterAll, beforeAll, expect } from "vitest";
import { operatorAttester } from "../../scripts/network/devAccounts.ts";
import { createOperator, type Operator } from "../../scripts/network/operator.ts";
import { reservePort } from "../../scripts/network/reservePort.ts";
import { type Network, startNetwork } from "../../scripts/network/startNetwork.ts";
import { Teardown } from "../../scripts/network/teardown.ts";
import { until } from "../../scripts/network/until.ts";
import { ensurePostgres, startPostgres } from "../../scripts/services/postgres.ts";
import { ensureRedis, startRedis } from "../../scripts/services/redis.ts";
import { deployBoard, HAM, post, settled } from "./board.ts";
import { type HeardStatements, hearStatements } from "./heardStatements.ts";
import { keepOnFailure } from "./keepOnFailure.ts";

const [redis, postgres] = [await ensureRedis(), await ensurePostgres()];

/** Why there can be no pair here; null when there can. */
export const unavailable: string | null =
  "unavailable" in redis ? redis.unavailable : "unavailable" in postgres ? postgres.unavailable : null;

const LOOK = { timeoutMs: 60_000, everyMs: 50 };

/** A network whose first operator has two nodes, one of them active. */
export interface PairedNetwork {
  network: Network;
  board: Address;
  heard: HeardStatements;
  /** Who is active now, and who stands by. */
  roles(): Promise<{ active: Operator; standby: Operator }>;
  /** Waits until a node that was started again stands by. */
  stands(node: Operator): Promise<void>;
}

/**
 * Starts three operators, all of whom are needed for an answer; the first is a pair on a PostgreSQL server, and all queues are
 * on a Redis.
 */
async function startPairedNetwork(teardown: Teardown): Promise<PairedNetwork> {
  if ("unavailable" in redis || "unavailable" in postgres) throw new Error(unavailable ?? "");
  const queue = await startRedis(redis);
  teardown.add("Redis", () => queue.stop());
  const database = await startPostgres(postgres);
  teardown.add("PostgreSQL", () => database.stop());
  const paired = { DATABASE_URL: database.url, STANDBY: "1" };
  const network = await startNetwork({
    teardown,
    queueUrl: queue.url,
    envOf: (place) => (place === 0 ? paired : {}),
  });
  const board = await deployBoard(network, { quorum: 3, lifetimeSeconds: 120 });
  const { address } = operatorAttester(0);
  const first = network.operators.find(({ attester }) => attester === address);
  if (first === undefined) throw new Error("the pair's operator runs no node");
  const second = await secondNode(network, first, { ...paired, QUEUE_URL: queue.url }, teardown);
  const heard = await hearStatements(network, teardown);
  await settled(network, await post(network, board, HAM));

  const roleOf = async (node: Operator): Promise<string | null> => {
    if (node.process === null) return null;
    return ((await node.status()) as unknown as { role: string }).role;
  };
  const stands = async (node: Operator): Promise<void> => {
    await until(
      `${node.folder} to stand by`,
      async () => ((await roleOf(node)) === "standby" ? true : null),
      LOOK,
    );
  };
  return {
    network,
    board,
    heard,
    stands,
    async roles() {
      const [one, other] = [await roleOf(first), await roleOf(second)];
      if (one === "operator" && other === "standby") return { active: first, standby: second };
      if (one === "standby" && other === "operator") return { active: second, standby: first };
      throw new Error(`one is to be active, and one to stand by: ${one}, ${other}`);
    },
  };
}

/** Has a pair for all tests of a file, where there can be one. */
export function pairForAll(): () => PairedNetwork {
  const teardown = new Teardown();
  let pair: PairedNetwork | undefined;
  keepOnFailure(() => pair?.network);
  beforeAll(async () => {
    if (unavailable === null) pair = await startPairedNetwork(teardown);
  });
  afterAll(async () => {
    await teardown.run();
    expect(teardown.failures).toEqual([]);
  });
  return () => pair as PairedNetwork;
}

/** Waits until a standby has become the active node. @returns Unix milliseconds of that. */
export async function takenOver(node: Operator): Promise<number> {
  await until(
    `${node.folder} to be active`,
    async () => ((await node.status()) as unknown as { role: string }).role === "operator" || null,
    LOOK,
  );
  return Date.now();
}

/** The last lines of a node's log, for the message of a failure. */
export const logOf = (node: Operator): string =>
  readFileSync(join(node.folder, "log.jsonl"), "utf8").trimEnd().split("\n").slice(-20).join("\n");

async function secondNode(
  network: Network,
  first: Operator,
  env: Record<string, string>,
  teardown: Teardown,
): Promise<Operator> {
  const { client, protocol, folder } = network;
  const port = await reservePort();
  await port.release();
  const { operatorId, owner, attester } = first;
  const second = createOperator({
    ...{ place: 0, operatorId, owner, attester, teardown },
    folder: join(folder, `operator-${operatorId}-second`),
    env: {
      RPC_URL: client.rpcUrl,
      ORACLE_ADDRESS: protocol.oracle,
      START_BLOCK: protocol.startBlock.toString(),
      MODEL_PRIVATE_HOSTS: "allow",
      ...env,
    },
    p2pPort: port.port,
  });
  await second.start();
  return second;
}
