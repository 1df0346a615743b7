import { Redis } from "ioredis";
import { afterEach, describe, expect, test } from "vitest";
import { createBullmqConsumer } from "../../../coprocessor/queue/bullmqConsumer.ts";
import { createBullmqQueue } from "../../../coprocessor/queue/bullmqQueue.ts";
import { ensureRedis, type RedisServer, startRedis } from "../../../scripts/services/redis.ts";
import { collectedLog } from "../collectedLog.ts";

import { startVictim } from "../store/victim.ts";
import { collect, done, job, until } from "./fixtures.ts";

const redis = await ensureRedis();
const skip = "unavailable" in redis ? redis.unavailable : false;
const WORKER = new URL("workerVictim.ts", import.meta.url).pathname;
/** From kill -9 until another worker has the job. */
const TAKEOVER_MS = 10_000;

describe.skipIf(skip !== false)(
  `queue when Redis or a worker fails${skip === false ? "" : ` (skipped: ${skip})`}`,
  () => {
    const cleanups: (() => Promise<unknown>)[] = [];
    afterEach(async () => {
      for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
    });

    const start = async (port?: number): Promise<RedisServer> => {
      if ("unavailable" in redis) throw new Error(redis.unavailable);
      const server = await startRedis({ path: redis.path, ...(port === undefined ? {} : { port }) });
      cleanups.push(() => server.stop());
      return server;
    };
    const configure = async (server: RedisServer, name: string, value: string) => {
      const admin = new Redis(server.url);
      await admin.config("SET", name, value);
      admin.disconnect();
    };
    const open = async (url: string, log = collectedLog()) => {
      const queue = await createBullmqQueue({ backend: { type: "redis", url }, log });
      cleanups.push(() => queue.close());
      return queue;
    };
    const work = async (url: string, log = collectedLog()) => {
      const consumer = await createBullmqConsumer({ backend: { type: "redis", url }, log, concurrency: 4 });
      cleanups.push(() => consumer.close());
      return consumer;
    };

    test("a wrong password is a clear error, and so is none", async () => {
      const server = await start();
      await configure(server, "requirepass", "right");
      const refusal = { code: "queue/auth-failed", retry: "never" };
      const withPassword = (password: string) => `redis://:${password}@127.0.0.1:${server.port}`;
      await expect(open(withPassword("wrong"))).rejects.toMatchObject(refusal);
      await expect(open(server.url)).rejects.toMatchObject(refusal);
      await expect(work(withPassword("wrong"))).rejects.toMatchObject(refusal);
      expect(await (await open(withPassword("right"))).counts()).toEqual({
        waiting: 0,
        active: 0,
        parked: 0,
      });
    });

    test("a server that evicts is refused", async () => {
      const server = await start();
      await configure(server, "maxmemory-policy", "allkeys-lru");
      const refusal = { code: "queue/eviction-policy", retry: "never", meta: { policy: "allkeys-lru" } };
      await expect(open(server.url)).rejects.toMatchObject(refusal);
      await expect(work(server.url)).rejects.toMatchObject(refusal);
    });

    test("something else than a Redis URL is refused, without repeating what may be a password", async () => {
      for (const url of ["localhost:6379", "http://user:secret@host", "redis://", "secret"]) {
        const refusal = await open(url).catch((error: unknown) => error);
        expect(refusal).toMatchObject({ code: "queue/bad-url", retry: "never" });
        expect(String(refusal)).not.toContain("secret");
      }
    });

    test("a full server refuses a job with queue/no-space, and takes it when there is room again", async () => {
      const server = await start();
      const queue = await open(server.url);
      await queue.add(job("a"));
      await configure(server, "maxmemory", "1");
      await expect(queue.add(job("b"))).rejects.toMatchObject({ code: "queue/no-space", retry: "backoff" });
      await configure(server, "maxmemory", "0");
      await queue.add(job("b"));
      expect((await queue.counts()).waiting).toBe(2);
    });

    test("a server that is down at start is waited for, and the log says so", async () => {
      const first = await start();
      await first.stop();
      const log = collectedLog();
      const opening = open(first.url, log);
      const complaint = await until(
        "the complaint",
        () => log.lines.find(({ level }) => level === "warn") ?? null,
      );
      expect(complaint.message).toBe("the queue is unreachable; waiting for it");
      expect(complaint.fields).toMatchObject({ address: first.url });
      await start(first.port);
      expect(await (await opening).counts()).toEqual({ waiting: 0, active: 0, parked: 0 });
      expect(log.lines.map(({ message }) => message)).toContain("the queue is reachable again");
    });

    test("waiting for a server can be given up", async () => {
      const first = await start();
      await first.stop();
      const abort = new AbortController();
      const backend = { type: "redis" as const, url: first.url };
      const opening = createBullmqQueue({ backend, log: collectedLog(), signal: abort.signal });
      abort.abort();
      await expect(opening).rejects.toMatchObject({ code: "queue/aborted" });
    });

    test("a server that dies in mid-run is waited for; both ends go on when it is back, though it forgot everything", async () => {
      const first = await start();
      const log = collectedLog();
      const [queue, consumer] = [await open(first.url, log), await work(first.url, log)];
      const told = collect(queue);
      await consumer.run(async () => done());
      await queue.add(job("before"));
      await until("the first outcome", () => told[0] ?? null);

      await first.kill();
      await until("the complaint", () => log.lines.find(({ level }) => level === "warn") ?? null);
      let isAdded = false;
      const adding = queue.add(job("during")).then(() => {
        isAdded = true;
      });
      expect(isAdded).toBe(false);
      await start(first.port);
      await adding;
      await until(
        "the outcome of the job that was added meanwhile",
        () => told.find(({ key }) => key === job("during").key) ?? null,
      );
      await queue.add(job("after"));
      await until("a later outcome", () => told.find(({ key }) => key === job("after").key) ?? null);
    }, 40_000);

    test("closing does not wait for a server that is gone", async () => {
      const server = await start();
      const queue = await createBullmqQueue({
        backend: { type: "redis", url: server.url },
        log: collectedLog(),
      });
      const consumer = await work(server.url);
      collect(queue);
      await consumer.run(async () => done());
      const log = collectedLog();
      const watcher = await open(server.url, log);
      await server.kill();
      await until("the loss to be noticed", () => log.lines.find(({ level }) => level === "warn") ?? null);
      await Promise.all([queue.close(), consumer.close(), watcher.close()]);
    });

    test("large payloads do not travel in the job; they go with it, and what is gone or altered is a named failure", async () => {
      const server = await start();
      const queue = await open(server.url);
      const consumer = await work(server.url);
      const told = collect(queue);
      const admin = new Redis(server.url);
      cleanups.push(async () => admin.disconnect());
      const large: `0x${string}` = `0x${"ab".repeat(100_000)}`;
      const beside = async () => (await admin.keys("{sibyl}:payload:*")).sort();
      const nameOf = (label: string, part: string) => `{sibyl}:payload:${job(label).key}/${part}`;

      await queue.add(job("gone", { input: large }));
      await admin.del(nameOf("gone", "input"));
      await queue.add(job("altered", { input: large }));
      await admin.set(nameOf("altered", "input"), `${large.slice(0, -2)}ac`);
      await queue.add(job("fine", { input: large }));
      expect(await admin.pttl(nameOf("fine", "input"))).toBeGreaterThan(3_600_000);
      const [data] = await admin.hmget(`{sibyl}:sibyl-inference:${job("fine").key}`, "data");
      expect(data?.length).toBeLessThan(1_000);
      await consumer.run(async ({ input }) => done(input));
      await until("all outcomes", () => (told.length === 3 ? true : null));
      const of = (label: string) => told.find(({ key }) => key === job(label).key)?.outcome;
      expect(of("gone")).toMatchObject({ status: "failed", code: "queue/payload-gone" });
      expect(of("altered")).toMatchObject({ status: "failed", code: "queue/payload-altered" });
      expect(of("fine")).toMatchObject({ status: "done", output: large });
      expect(await beside()).toContain(nameOf("fine", "output"));
      for (const label of ["gone", "altered", "fine"]) await queue.remove(job(label).key);
      expect(await beside()).toEqual([]);
    });

    test("a job whose worker is paused runs elsewhere within 10 s, and what the late one comes to changes nothing", async () => {
      const server = await start();
      const queue = await open(server.url);
      const told: unknown[] = [];
      queue.onOutcome(async (_key, outcome) => void told.push(outcome));
      await queue.add(job("taken"));
      const late = startVictim<{ running?: string; told?: string }>(WORKER, [server.url, "sibyl", "SIGUSR2"]);
      cleanups.push(() => late.kill());
      await late.hears("the run", ({ running }) => running === job("taken").key);
      process.kill(late.pid, "SIGSTOP");
      const pausedAt = performance.now();
      const other = await work(server.url);
      await other.run(async () => done("0x02"));
      await until("the outcome", () => told[0] ?? null);
      expect(performance.now() - pausedAt).toBeLessThan(TAKEOVER_MS);
      // It wakes up and answers what is not its job any more.
      process.kill(late.pid, "SIGCONT");
      process.kill(late.pid, "SIGUSR2");
      await late.hears("the refusal of its answer", (line) => line.told !== undefined);
      // Or it might take the next job too, and sit on it.
      await late.kill();
      const sweep = job("afterwards");
      await queue.add(sweep);
      await until("a later outcome", () => told[1] ?? null);
      expect(told).toEqual([done("0x02"), expect.objectContaining({ status: "done" })]);
      await queue.remove(job("taken").key);
      expect(await queue.counts()).toMatchObject({ waiting: 0, active: 0, parked: 0 });
    }, 40_000);

    test("a job whose worker is killed with kill -9 runs elsewhere within 10 s; one that kills its third worker is parked", async () => {
      const server = await start();
      const queue = await open(server.url);
      const told = collect(queue);
      await queue.add(job("taken"));
      let killedAt = 0;
      for (let death = 0; death < 3; death++) {
        const victim = startVictim<{ running: string }>(WORKER, [server.url, "sibyl"]);
        cleanups.push(() => victim.kill());
        await victim.hears("the run", ({ running }) => running === job("taken").key);
        if (death > 0) expect(performance.now() - killedAt).toBeLessThan(TAKEOVER_MS);
        await victim.kill();
        killedAt = performance.now();
      }
      const survivor = await work(server.url);
      const runs: string[] = [];
      await survivor.run(async ({ key }) => {
        runs.push(key);
        return done();
      });
      await until("the verdict", () => told[0] ?? null);
      expect(told).toEqual([
        { key: job("taken").key, outcome: expect.objectContaining({ code: "queue/stalled" }) },
      ]);
      expect(runs).toEqual([]);
      expect((await queue.counts()).parked).toBe(1);
      await queue.add(job("harmless"));
      await until("the next job", () => told[1] ?? null);
    }, 60_000);
  },
);
