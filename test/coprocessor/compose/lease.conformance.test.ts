import { Redis } from "ioredis";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isGone, thisProcess } from "../../../coprocessor/compose/thisProcess.ts";
import type { CoprocessorError } from "../../../coprocessor/core/errors.ts";
import type { ProcessIdentity } from "../../../coprocessor/core/processIdentity.ts";
import { takeRedisLease } from "../../../coprocessor/queue/redisLease.ts";
import { takePostgresLease } from "../../../coprocessor/store/postgresLease.ts";
import { ensurePostgres, startPostgres } from "../../../scripts/services/postgres.ts";
import { ensureRedis, startRedis } from "../../../scripts/services/redis.ts";
import { collectedLog } from "../collectedLog.ts";
import { signal } from "../queue/fixtures.ts";

const ELSEWHERE: ProcessIdentity = { host: "another-host", pid: 7, startTicks: "1" };
/** Nobody's pid: above what Linux gives out. */
const DEAD: ProcessIdentity = { ...thisProcess(), pid: 2 ** 22 + 1 };

interface LeaseUnderTest {
  take(
    name: string,
    who: { me: ProcessIdentity; onLost?: (error: CoprocessorError) => void },
  ): Promise<{ release(): Promise<void> }>;
  /** Lets somebody else have the lease that `name` stands for, as after a cut network. */
  steal(name: string): Promise<{ release(): Promise<void> }>;
  close(): Promise<void>;
}

function leaseConformance(title: string, open: () => Promise<LeaseUnderTest>, skip: string | false): void {
  describe.skipIf(skip !== false)(`lease on ${title}${skip === false ? "" : ` (skipped: ${skip})`}`, () => {
    let subject: LeaseUnderTest;
    beforeAll(async () => {
      subject = await open();
    }, 60_000);
    afterAll(() => subject?.close());

    test("refused: a second holder is told who the first one is; released, it may have it", async () => {
      const first = await subject.take("a", { me: thisProcess() });
      await expect(subject.take("a", { me: thisProcess() })).rejects.toMatchObject({
        code: "node/already-running",
        retry: "never",
        message: expect.stringMatching(new RegExp(`${process.pid} on `)),
      });
      await first.release();
      await (await subject.take("a", { me: thisProcess() })).release();
    });

    test("apart: other keys are other leases", async () => {
      const [a, b] = [
        await subject.take("b", { me: thisProcess() }),
        await subject.take("c", { me: ELSEWHERE }),
      ];
      await Promise.all([a.release(), b.release()]);
    });

    test("lost: whoever held it is told once that another does", async () => {
      const lost = signal();
      const told: CoprocessorError[] = [];
      const lease = await subject.take("d", {
        me: thisProcess(),
        onLost: (error) => {
          told.push(error);
          lost.fire();
        },
      });
      const thief = await subject.steal("d");
      await lost.promise;
      expect(told).toMatchObject([{ code: "node/already-running" }]);
      await lease.release();
      await thief.release();
    });
  });
}

const redis = await ensureRedis();
leaseConformance(
  "Redis",
  async () => {
    if ("unavailable" in redis) throw new Error(redis.unavailable);
    const server = await startRedis(redis);
    const take: LeaseUnderTest["take"] = (name, { me, onLost = () => {} }) =>
      takeRedisLease({ url: server.url, name, me, isGone, log: collectedLog(), onLost, leaseMs: 600 });
    return {
      take,
      async steal(name) {
        const admin = new Redis(server.url);
        await admin.set(
          `{sibyl-lease}:${name}`,
          JSON.stringify({ ...ELSEWHERE, token: "stolen", since: "now" }),
        );
        return { release: async () => admin.disconnect() };
      },
      close: () => server.stop(),
    };
  },
  "unavailable" in redis ? redis.unavailable : false,
);

const postgres = await ensurePostgres();
leaseConformance(
  "PostgreSQL",
  async () => {
    if ("unavailable" in postgres) throw new Error(postgres.unavailable);
    const server = await startPostgres(postgres);
    return {
      take: (name, { me, onLost = () => {} }) =>
        takePostgresLease({ url: server.url, name, me, log: collectedLog(), onLost }),
      async steal(name) {
        const thief = new pg.Client({ connectionString: server.url, application_name: "thief" });
        await thief.connect();
        // Waits for the lock, and then cuts the holder off: the lock is ours before it can come back.
        const taken = thief.query("select pg_advisory_lock(hashtextextended($1, 0))", [name]);
        const admin = new pg.Client({ connectionString: server.url });
        await admin.connect();
        await admin.query(
          "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'sibyl pid %'",
        );
        await taken;
        await admin.end();
        return { release: () => thief.end() };
      },
      close: () => server.stop(),
    };
  },
  "unavailable" in postgres ? postgres.unavailable : false,
);

describe.skipIf("unavailable" in postgres)("lease on PostgreSQL after a take-over", () => {
  test("evicted: the session of a process that lost its store, and nobody else's", async () => {
    if ("unavailable" in postgres) throw new Error(postgres.unavailable);
    await using server = await startPostgres(postgres);
    const lost = signal();
    const options = { url: server.url, name: "a", log: collectedLog(), onLost: () => lost.fire() };
    const late = await takePostgresLease({ ...options, me: ELSEWHERE });
    const me = thisProcess();
    await expect(takePostgresLease({ ...options, me, evicts: DEAD })).rejects.toMatchObject({
      code: "node/already-running",
    });
    const lease = await takePostgresLease({ ...options, me, evicts: ELSEWHERE });
    await lost.promise;
    await Promise.all([late.release(), lease.release()]);
  }, 40_000);
});

describe.skipIf("unavailable" in redis)("lease on Redis after a kill", () => {
  test("taken over: at once on the holder's own host, and after it ran out elsewhere", async () => {
    if ("unavailable" in redis) throw new Error(redis.unavailable);
    await using server = await startRedis(redis);
    const options = { url: server.url, isGone, log: collectedLog(), onLost: () => {} };
    const admin = new Redis(server.url);
    const leave = (name: string, holder: ProcessIdentity, leaseMs: number) =>
      admin.set(
        `{sibyl-lease}:${name}`,
        JSON.stringify({ ...holder, token: "left", since: "then" }),
        "PX",
        leaseMs,
      );
    await leave("dead", DEAD, 3_600_000);
    const first = await takeRedisLease({ ...options, name: "dead", me: thisProcess() });
    await leave("far", ELSEWHERE, 800);
    const second = await takeRedisLease({ ...options, name: "far", me: thisProcess(), leaseMs: 1_500 });
    // Who leases the store that both share has decided already.
    const [storeId, other] = ["5f0d8d0e-0000-4000-8000-000000000000", "5f0d8d0e-0000-4000-8000-000000000001"];
    const withHold = (store: string, token: string) =>
      ({ ...ELSEWHERE, hold: { storeId: store, token } }) as ProcessIdentity;
    const hold = { storeId, token: 8n };
    await leave("outranked", withHold(storeId, "7"), 3_600_000);
    await (await takeRedisLease({ ...options, name: "outranked", me: thisProcess(), hold })).release();
    for (const holder of [withHold(storeId, "9"), withHold(other, "7"), ELSEWHERE]) {
      await leave("not outranked", holder, 3_600_000);
      const refused = takeRedisLease({
        ...options,
        name: "not outranked",
        me: thisProcess(),
        hold,
        leaseMs: 300,
      });
      await expect(refused).rejects.toMatchObject({ code: "node/already-running" });
    }
    // A server that was wiped: the holder writes itself down again.
    await admin.flushall();
    await expect
      .poll(() => admin.get("{sibyl-lease}:far"), { timeout: 5_000 })
      .toContain(`"pid":${process.pid}`);
    await Promise.all([first.release(), second.release()]);
    expect(await admin.get("{sibyl-lease}:dead")).toBeNull();
    admin.disconnect();
  });
});
