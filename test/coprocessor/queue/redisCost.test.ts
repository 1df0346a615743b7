import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CoprocessorError } from "../../../coprocessor/core/errors.ts";
import { createBullmqConsumer } from "../../../coprocessor/queue/bullmqConsumer.ts";
import { createBullmqQueue } from "../../../coprocessor/queue/bullmqQueue.ts";
import { EndedJobs } from "../../../coprocessor/queue/endedJobs.ts";
import type { JobConsumer, JobQueue } from "../../../coprocessor/queue/port.ts";
import { ensureRedis, type RedisServer, startRedis } from "../../../scripts/services/redis.ts";
import { collectedLog } from "../collectedLog.ts";
import { done, job, until } from "./fixtures.ts";

const JOBS = 100;
const FAILING = "fails";
const PREFIX = "{sibyl}:sibyl-inference:";

const redis = await ensureRedis();
const skip = "unavailable" in redis ? redis.unavailable : false;

describe.skipIf(skip !== false)(
  `what Redis does for a job${skip === false ? "" : ` (skipped: ${skip})`}`,
  () => {
    let server: RedisServer;
    let admin: Redis;
    let node: JobQueue;
    let worker: JobConsumer;

    beforeAll(async () => {
      if ("unavailable" in redis) throw new Error(redis.unavailable);
      server = await startRedis({ path: redis.path });
      admin = new Redis(server.url);
      const options = { backend: { type: "redis" as const, url: server.url }, log: collectedLog() };
      node = await createBullmqQueue(options);
      worker = await createBullmqConsumer({ ...options, concurrency: 4 });
    }, 60_000);
    afterAll(async () => {
      await worker?.close();
      await node?.close();
      admin?.disconnect();
      await server?.stop();
    });

    /** How often a command was called since the last reset, by clients and by scripts. */
    const calls = async (command: string): Promise<number> => {
      const stats = await admin.info("commandstats");
      return Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
    };

    test("one event a job, of its end; and removed once", async () => {
      const told = new Map<string, string>();
      node.onOutcome(async (key, outcome) => {
        await node.remove(key);
        await node.remove(key);
        told.set(key, outcome.status);
      });
      await worker.run(async ({ key }) => {
        if (key === job(FAILING).key)
          throw new CoprocessorError("no such model", { code: "model/not-found", retry: "never" });
        return done();
      });
      await admin.config("RESETSTAT");
      const labels = [FAILING, ...Array.from({ length: JOBS - 1 }, (_, index) => `${index}`)];
      await Promise.all(labels.map((label, index) => node.add(job(label), index % 3)));
      await until("all outcomes", () => (told.size === JOBS ? true : null));
      expect(told.get(job(FAILING).key)).toBe("failed");
      expect(await calls("xadd")).toBe(JOBS);
      const events = (await admin.xrange(`${PREFIX}events`, "-", "+")).map(([, fields]) => fields[1]);
      expect(events.toSorted()).toEqual([...Array.from({ length: JOBS - 1 }, () => "completed"), "failed"]);
      expect(await admin.keys(`${PREFIX}31337-*`)).toEqual([]);
      expect(await node.counts()).toEqual({ waiting: 0, active: 0, parked: 0 });
    }, 30_000);

    test("ended jobs of one turn are forgotten with one command; one that has not ended stays", async () => {
      const waiting = await createBullmqQueue({
        ...{ backend: { type: "redis" as const, url: server.url }, log: collectedLog() },
        namespace: "waiting",
      });
      try {
        const keys = Array.from({ length: JOBS }, (_, index) => job(`ended ${index}`).key);
        const [first, last] = [keys[0] ?? "", keys.at(-1) ?? ""];
        for (const key of keys) await admin.hset(`${PREFIX}${key}`, "name", "infer");
        await admin.zadd(`${PREFIX}completed`, ...keys.slice(0, -1).flatMap((key) => [1, key]));
        await admin.zadd(`${PREFIX}failed`, 1, last);
        await admin.config("RESETSTAT");
        const ended = new EndedJobs(admin, PREFIX);
        const gone = await Promise.all([...keys, "never added", first].map((key) => ended.forget(key)));
        expect(gone).toEqual([...keys.map(() => true), false, false]);
        expect(await calls("eval")).toBe(1);
        expect(await admin.keys(`${PREFIX}31337-*`)).toEqual([]);

        await waiting.add(job("waits"));
        const others = new EndedJobs(admin, "{waiting}:waiting-inference:");
        expect(await others.forget(job("waits").key)).toBe(false);
        expect(await waiting.counts()).toMatchObject({ waiting: 1 });
      } finally {
        await waiting.close();
      }
    }, 30_000);
  },
);
