import { createRedisBackend, Queue } from "bullmq";
import { Redis } from "ioredis";
import { createBullmqConsumer } from "../../../coprocessor/queue/bullmqConsumer.ts";
import { createBullmqQueue } from "../../../coprocessor/queue/bullmqQueue.ts";
import { ensureRedis, startRedis } from "../../../scripts/services/redis.ts";
import { collectedLog } from "../collectedLog.ts";

import { type QueueUnderTest, queueConformance } from "./conformance.ts";

const redis = await ensureRedis();

async function open(): Promise<QueueUnderTest> {
  if ("unavailable" in redis) throw new Error(redis.unavailable);
  const server = await startRedis(redis);
  const log = collectedLog();
  const backend = { type: "redis" as const, url: server.url };
  const connection = new Redis(server.url, { maxRetriesPerRequest: null });
  const withRaw = async <T>(namespace: string, use: (queue: Queue) => Promise<T>): Promise<T> => {
    const base = { connection, prefix: `{${namespace}}` };
    const queue = new Queue(`${namespace}-inference`, base, createRedisBackend);
    try {
      return await use(queue);
    } finally {
      await queue.close();
    }
  };
  return {
    queue: (namespace, more) => createBullmqQueue({ backend, namespace, log, ...more }),
    consumer: (namespace, more) => createBullmqConsumer({ backend, namespace, log, concurrency: 4, ...more }),
    addRaw: (namespace, jobId, data) =>
      withRaw(namespace, async (queue) => void (await queue.add("infer", data, { jobId }))),
    hasJob: (namespace, jobId) =>
      withRaw(namespace, async (queue) => (await queue.getJob(jobId)) !== undefined),
    close: async () => {
      connection.disconnect();
      await server.stop();
    },
  };
}

queueConformance("Redis", open, "unavailable" in redis ? redis.unavailable : false);
