import { Redis } from "ioredis";
import { afterEach, describe, expect, test } from "vitest";
import { createBullmqConsumer } from "../../../coprocessor/queue/bullmqConsumer.ts";
import { createBullmqQueue } from "../../../coprocessor/queue/bullmqQueue.ts";
import { ensureRedis, type RedisOptions, startRedis } from "../../../scripts/services/redis.ts";
import { startRedisCluster } from "../../../scripts/services/redisCluster.ts";
import { collectedLog } from "../collectedLog.ts";
import { collect, done, job, until } from "./fixtures.ts";

const redis = await ensureRedis();
const skip = "unavailable" in redis ? redis.unavailable : false;
const { path } = redis as { path: string };

describe.skipIf(skip !== false)(
  `queue on Redis that is more than one server${skip === false ? "" : ` (skipped: ${skip})`}`,
  () => {
    const cleanups: (() => Promise<unknown>)[] = [];
    afterEach(async () => {
      for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
    });
    const start = async (options: Omit<RedisOptions, "path"> = {}) => {
      const server = await startRedis({ path, ...options });
      cleanups.push(() => server.stop());
      return server;
    };
    const bothEnds = async (url: string) => {
      const options = { backend: { type: "redis" as const, url }, log: collectedLog() };
      const queue = await createBullmqQueue(options);
      cleanups.push(() => queue.close());
      const consumer = await createBullmqConsumer({ ...options, concurrency: 4 });
      cleanups.push(() => consumer.close());
      return { queue, consumer };
    };

    test("a cluster: jobs and outcomes go through whichever node has the queue", async () => {
      const cluster = await startRedisCluster({ path });
      cleanups.push(() => cluster.stop());
      const { queue, consumer } = await bothEnds(cluster.url);
      const told = collect(queue);
      await consumer.run(async () => done());
      const labels = Array.from({ length: 20 }, (_, index) => `${index}`);
      await Promise.all(labels.map((label) => queue.add(job(label))));
      await until("all outcomes", () => (told.length === labels.length ? true : null));
    }, 40_000);

    test("sentinels: when the master dies, both ends go on at the replica that takes its place", async () => {
      const master = await start();
      const replica = await start({ settings: { replicaof: `127.0.0.1 ${master.port}` } });
      const sentinel = await start({
        sentinel: [
          `sentinel monitor queue 127.0.0.1 ${master.port} 1`,
          "sentinel down-after-milliseconds queue 500",
          "sentinel failover-timeout queue 2000",
        ],
      });
      const admin = new Redis(sentinel.url);
      cleanups.push(async () => admin.disconnect());
      await until("the sentinel to know the replica", async () =>
        String(await admin.call("SENTINEL", "REPLICAS", "queue")).includes(String(replica.port))
          ? true
          : null,
      );
      const { queue, consumer } = await bothEnds(`redis+sentinel://127.0.0.1:${sentinel.port}/queue`);
      const told = collect(queue);
      await consumer.run(async () => done());
      await queue.add(job("before"));
      await until("the first outcome", () => told[0] ?? null);
      await master.kill();
      await queue.add(job("after"));
      await until(
        "an outcome by way of the replica",
        () => told.find(({ key }) => key === job("after").key) ?? null,
        30_000,
      );
      expect(String(await admin.call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "queue"))).toContain(
        String(replica.port),
      );
    }, 60_000);
  },
);
