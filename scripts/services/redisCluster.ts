import { setTimeout as delay } from "node:timers/promises";
import { Redis } from "ioredis";
import { freePort } from "../network/reservePort.ts";
import { type RedisServer, startRedis } from "./redis.ts";

const NODES = 3;
const SLOTS = 16_384;
const HOST = "127.0.0.1";
const FORM_TIMEOUT_MS = 15_000;
const POLL_MS = 50;

/** A Redis Cluster of three masters on the loopback interface. */
export interface RedisCluster {
  /** `redis+cluster://127.0.0.1:<port>,…` */
  readonly url: string;
  stop(): Promise<void>;
}

/**
 * @param options.path What `ensureRedis` found.
 * @throws Error when the nodes have not found each other within 15 s.
 */
export async function startRedisCluster(options: { path: string }): Promise<RedisCluster> {
  const nodes: RedisServer[] = [];
  const stop = async () => void (await Promise.all(nodes.map((node) => node.stop())));
  try {
    for (let index = 0; index < NODES; index++) {
      const settings = { "cluster-enabled": "yes", "cluster-port": String(await freePort()) };
      nodes.push(await startRedis({ path: options.path, settings }));
    }
    await form(nodes);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url: `redis+cluster://${nodes.map(({ port }) => `${HOST}:${port}`).join(",")}`, stop };
}

/** Gives every node its share of the slots, introduces them, and waits until each knows the whole. */
async function form(nodes: readonly RedisServer[]): Promise<void> {
  const clients = nodes.map(({ url }) => new Redis(url));
  try {
    const share = Math.ceil(SLOTS / nodes.length);
    for (const [index, client] of clients.entries()) {
      const last = Math.min(SLOTS, (index + 1) * share) - 1;
      await client.call("CLUSTER", "ADDSLOTSRANGE", String(index * share), String(last));
      // Without distinct epochs nodes that claim slots at the same time would have to settle it among themselves.
      await client.call("CLUSTER", "SET-CONFIG-EPOCH", String(index + 1));
    }
    const [first, ...others] = nodes as [RedisServer, ...RedisServer[]];
    for (const [index, { port }] of others.entries()) {
      const bus = await (clients[index + 1] as Redis).config("GET", "cluster-port");
      await (clients[0] as Redis).call("CLUSTER", "MEET", HOST, String(port), String((bus as string[])[1]));
    }
    const giveUpAt = Date.now() + FORM_TIMEOUT_MS;
    for (;;) {
      const infos = await Promise.all(clients.map((client) => client.cluster("INFO")));
      const whole = `cluster_known_nodes:${nodes.length}`;
      if (infos.every((info) => info.includes("cluster_state:ok") && info.includes(whole))) return;
      if (Date.now() > giveUpAt)
        throw new Error(
          `no cluster around port ${first.port} within ${FORM_TIMEOUT_MS} ms:\n${infos.join("\n")}`,
        );
      await delay(POLL_MS);
    }
  } finally {
    for (const client of clients) client.disconnect();
  }
}
