import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { isGone, thisProcess } from "../../../coprocessor/compose/thisProcess.ts";
import type { CoprocessorError } from "../../../coprocessor/core/errors.ts";
import type { ProcessIdentity } from "../../../coprocessor/core/processIdentity.ts";
import type { RequestRecord } from "../../../coprocessor/core/request.ts";
import { createDrizzleStore } from "../../../coprocessor/store/drizzleStore.ts";
import type { Store } from "../../../coprocessor/store/port.ts";
import { type StoreLeaseOptions, takeStoreLease } from "../../../coprocessor/store/storeLease.ts";
import { ensurePostgres, type PostgresServer, startPostgres } from "../../../scripts/services/postgres.ts";
import { collectedLog } from "../collectedLog.ts";
import { signal, until } from "../queue/fixtures.ts";
import { address, attestation, CHAIN_ID, recordStatement, requestRecord } from "./fixtures.ts";

const ELSEWHERE: ProcessIdentity = { host: "another-host", pid: 7, startTicks: "1" };
/** Nobody's pid: above what Linux gives out. */
const DEAD: ProcessIdentity = { ...thisProcess(), pid: 2 ** 22 + 1 };
const LEASE_MS = 800;
/** For what takes time on a busy machine. */
const SOON_MS = 10_000;

const postgres = await ensurePostgres();
const skip = "unavailable" in postgres ? postgres.unavailable : false;

describe.skipIf(skip !== false)(
  `lease of a store on PostgreSQL${skip === false ? "" : ` (skipped: ${skip})`}`,
  () => {
    let server: PostgresServer;
    let admin: pg.Pool;
    beforeAll(async () => {
      if ("unavailable" in postgres) throw new Error(postgres.unavailable);
      server = await startPostgres(postgres);
      admin = new pg.Pool({ connectionString: server.url, max: 2 });
      admin.on("error", () => {});
    }, 60_000);
    afterAll(async () => {
      await admin?.end();
      await server?.stop();
    });
    beforeEach(() => server.dropSchema("sibyl"));

    const take = (patch: Partial<StoreLeaseOptions> = {}) =>
      takeStoreLease({
        url: server.url,
        name: "node-a",
        me: thisProcess(),
        isGone,
        log: collectedLog(),
        onLost: () => {},
        leaseMs: LEASE_MS,
        ...patch,
      });
    const open = (fence: bigint | null, url = server.url) =>
      createDrizzleStore({ database: url as `postgres://${string}`, fence, log: collectedLog() });
    /** Stands by; `heard` is who it was told is active. */
    const standBy = () => {
      const heard: string[] = [];
      const abort = new AbortController();
      const standby = { onWaiting: (holder: string) => void heard.push(holder), signal: abort.signal };
      return { heard, abort, taken: take({ me: ELSEWHERE, standby }) };
    };
    /** As if the holder had gone without a word: nobody renews any more. */
    const leaveBehind = async (holder: ProcessIdentity, leaseMs: number) => {
      await (await take()).release();
      await admin.query(
        `update sibyl.node_lease set holder = $1, expires_at = clock_timestamp() + $2 * interval '1 millisecond'`,
        [JSON.stringify(holder), leaseMs],
      );
    };

    test("refused: a second holder is told who the first one is; released, it may have it, with a greater token", async () => {
      const first = await take();
      await expect(take()).rejects.toMatchObject({
        code: "node/already-running",
        retry: "never",
        message: expect.stringContaining(`process ${process.pid} on `),
      });
      await first.release();
      const second = await take();
      expect(second.token).toBeGreaterThan(first.token);
      expect(second.storeId).toBe(first.storeId);
      expect(second.previous).toEqual(thisProcess());
      await second.release();
    });

    test("refused: another key's node may not use the database, standby or not", async () => {
      const first = await take();
      await expect(take({ name: "node-b" })).rejects.toMatchObject({
        code: "node/already-running",
        message: expect.stringContaining("in use by another node, node-a"),
      });
      await first.release();
    });

    test("taken over: at once from a process of this host that is gone, and after its time from one elsewhere", async () => {
      await leaveBehind(DEAD, 3_600_000);
      await (await take()).release();
      await leaveBehind(ELSEWHERE, 500);
      const startMs = performance.now();
      const lease = await take();
      expect(performance.now() - startMs).toBeGreaterThan(400);
      await lease.release();
    });

    test("standing by: as long as the holder renews; taken over at once when it lets go, and after its time when it is silent", async () => {
      const active = await take();
      const second = standBy();
      await until("more looks than a lease lasts", () => (second.heard.length > 6 ? true : null), SOON_MS);
      expect(new Set(second.heard)).toEqual(new Set([`process ${process.pid} on ${thisProcess().host}`]));
      await active.release();
      const taken = await second.taken;
      expect(taken.token).toBeGreaterThan(active.token);
      await taken.release();

      await leaveBehind(DEAD, 1_500);
      const startMs = performance.now();
      const third = standBy();
      await (await third.taken).release();
      // By the time alone, although the process is seen to be gone: a standby is meant to be on another machine.
      expect(performance.now() - startMs).toBeGreaterThan(1_400);
    });

    test("stopped: a standby that is asked to end does", async () => {
      const active = await take();
      const { taken, abort } = standBy();
      abort.abort();
      await expect(taken).rejects.toMatchObject({ code: "node/stopped" });
      await active.release();
    });

    test("standing by: through a restart of the server", async () => {
      const log = collectedLog();
      const active = await take();
      const heard: string[] = [];
      const standby = {
        onWaiting: (holder: string) => void heard.push(holder),
        signal: new AbortController().signal,
      };
      const waiting = take({ me: ELSEWHERE, standby, log });
      await until("a look", () => heard[0] ?? null);
      await server.kill();
      await until("the complaint", () => log.lines.find(({ level }) => level === "warn") ?? null);
      await server.startAgain();
      await active.release();
      await (await waiting).release();
    });

    test("lost: whoever held it is told once that another does, and lets go of nothing", async () => {
      const lost = signal();
      const told: CoprocessorError[] = [];
      const lease = await take({
        leaseMs: 2_000,
        onLost(error) {
          told.push(error);
          lost.fire();
        },
      });
      lease.assertHeld();
      await admin.query("update sibyl.node_lease set token = token + 1, holder = $1", [
        JSON.stringify(ELSEWHERE),
      ]);
      await lost.promise;
      expect(told).toMatchObject([
        { code: "node/already-running", message: expect.stringContaining("process 7 on another-host") },
      ]);
      expect(() => lease.assertHeld()).toThrow(expect.objectContaining({ code: "node/lease-unconfirmed" }));
      await lease.release();
      const { rows } = await admin.query("select expires_at > '-infinity' as held from sibyl.node_lease");
      expect(rows).toEqual([{ held: true }]);
    });

    test("unconfirmed: while the server does not answer, our own clock says when the lease is over", async () => {
      const lease = await take();
      lease.assertHeld();
      await server.kill();
      await until("our own clock to say so", () => {
        try {
          lease.assertHeld();
          return null;
        } catch (error) {
          return (error as CoprocessorError).code === "node/lease-unconfirmed" ? true : null;
        }
      });
      await server.startAgain();
      await until("the next renewal", () => {
        try {
          lease.assertHeld();
          return true;
        } catch {
          return null;
        }
      });
      await lease.release();
    });

    test("kept: a holder that was late, and that nobody took over from, goes on", async () => {
      const lease = await take();
      await admin.query("update sibyl.node_lease set expires_at = '-infinity'");
      await until("the next renewal", async () => {
        const { rows } = await admin.query(
          "select expires_at > clock_timestamp() as held from sibyl.node_lease",
        );
        return rows[0]?.held === true ? true : null;
      });
      lease.assertHeld();
      await lease.release();
    });

    describe("fenced", () => {
      const statement = ({ key, requestId }: RequestRecord, view: number) => ({
        key,
        slot: `attestation/${view}`,
        message: attestation(requestId, 7, view),
        createdAt: 1,
      });

      test("a node that lost its lease stores nothing any more, alone or in a transaction, and what it does not know it had", async () => {
        const first = await take();
        const late = await open(first.token);
        const record = requestRecord("a");
        await late.insertRequest(record);
        await first.release();
        const second = await take();
        const active = await open(second.token);
        await recordStatement(active, statement(record, 1));

        const refusal = { code: "node/lease-lost", retry: "never" };
        await expect(recordStatement(late, statement(record, 0))).rejects.toMatchObject(refusal);
        await expect(
          late.transaction(async (store) => {
            await store.transition(record.key, ["waiting"], "queued");
          }),
        ).rejects.toMatchObject(refusal);
        await expect(late.rewind(0n)).rejects.toMatchObject(refusal);
        await expect(late.transaction((store) => store.nextNonce(0))).resolves.toBe(0);
        expect(await late.request(record.key)).toEqual(record);
        expect(await active.statements(record.key)).toHaveLength(1);
        await active.transition(record.key, ["waiting"], "queued");
        await Promise.all([late.close(), active.close()]);
        await second.release();
      });

      test("one lease for all oracles of a node: a node that lost it stores nothing about any", async () => {
        const oracles = ["one oracle", "another oracle"].map((label) => address(label));
        const openBoth = (fence: bigint) =>
          Promise.all(
            oracles.map((oracle) =>
              createDrizzleStore({
                database: server.url as `postgres://${string}`,
                placing: { of: { chainId: CHAIN_ID, oracle }, alone: false },
                fence,
                log: collectedLog(),
              }),
            ),
          );
        const first = await take();
        const late = await openBoth(first.token);
        for (const store of late) await store.insertRequest(requestRecord("a"));
        await first.release();
        const second = await take();
        const active = await openBoth(second.token);
        for (const store of late)
          await expect(store.insertRequest(requestRecord("b"))).rejects.toMatchObject({
            code: "node/lease-lost",
          });
        for (const store of active) expect(await store.insertRequest(requestRecord("b"))).toBe(true);
        await Promise.all([...late, ...active].map((store) => store.close()));
        await second.release();
        for (const oracle of oracles)
          await server.dropSchema(`sibyl_${CHAIN_ID}_${oracle.slice(2).toLowerCase()}`);
      });

      test("a write under way holds the lease in place until it is stored, so nobody takes over in the middle of it", async () => {
        // It does not come to renew.
        const first = await take({ leaseMs: 3_600_000 });
        const active = await open(first.token);
        const [written, go] = [signal(), signal()];
        const writing = active.transaction(async (store: Store) => {
          await store.insertRequest(requestRecord("a"));
          written.fire();
          await go.promise;
        });
        await written.promise;
        // A renewal passes by, as anything does that leaves the key alone.
        const renewed = await admin.query("update sibyl.node_lease set expires_at = '-infinity'");
        expect(renewed.rowCount).toBe(1);
        const next = standBy();
        expect(await Promise.race([next.taken.then(() => "taken"), delay(700, "waits")])).toBe("waits");
        go.fire();
        await writing;
        const second = await next.taken;
        expect(await active.request(requestRecord("a").key)).not.toBeNull();
        await active.close();
        await first.release();
        await second.release();
      });

      test("a node that is paused in the middle of a write does not keep its place: the write is undone", async () => {
        // It does not come to renew.
        const first = await take({ leaseMs: 3_600_000 });
        const paused = await open(first.token);
        const [written, go] = [signal(), signal()];
        const writing = paused.transaction(async (store: Store) => {
          await store.insertRequest(requestRecord("a"));
          written.fire();
          await go.promise;
          await store.transition(requestRecord("a").key, ["waiting"], "queued");
        });
        await written.promise;
        await admin.query("update sibyl.node_lease set expires_at = '-infinity'");
        const startMs = performance.now();
        const second = await standBy().taken;
        expect(performance.now() - startMs).toBeLessThan(SOON_MS);
        go.fire();
        await expect(writing).rejects.toMatchObject({ code: "store/unavailable" });
        const active = await open(second.token);
        expect(await active.request(requestRecord("a").key)).toBeNull();
        await Promise.all([paused.close(), active.close()]);
        await first.release();
        await second.release();
      }, 30_000);

      test("every table of ours is", async () => {
        await (await open(null)).close();
        const { rows } = await admin.query<{ name: string; fenced: boolean }>(
          `select c.relname as name, exists (
             select 1 from pg_trigger t where t.tgrelid = c.oid and t.tgname = 'fence' and t.tgenabled = 'O'
           ) as fenced
           from pg_class c where c.relnamespace = 'sibyl'::regnamespace and c.relkind = 'r'`,
        );
        expect(rows.length).toBeGreaterThan(10);
        const open_ = rows.filter(({ fenced }) => !fenced).map(({ name }) => name);
        expect(open_.sort()).toEqual(["migration", "node_lease"]);
      });

      test("a URL that keeps our settings from the server is refused", async () => {
        const lease = await take();
        const url = `${server.url}?options=${encodeURIComponent("-c statement_timeout=60000")}`;
        await expect(open(lease.token, url)).rejects.toMatchObject({
          code: "store/not-fenced",
          retry: "never",
        });
        await lease.release();
      });
    });
  },
);
