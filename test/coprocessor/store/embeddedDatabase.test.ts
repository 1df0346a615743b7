import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createDrizzleStore } from "../../../coprocessor/store/drizzleStore.ts";
import { ensureCluster } from "../../../coprocessor/store/embeddedCluster.ts";
import { type EmbeddedDatabase, openEmbeddedDatabase } from "../../../coprocessor/store/embeddedDatabase.ts";
import { runUpkeep } from "../../../coprocessor/store/embeddedUpkeep.ts";
import { followedTransactions } from "../../../coprocessor/store/transactionScope.ts";
import { collectedLog } from "../collectedLog.ts";
import { temporaryFolder } from "./embedded.ts";
import { requestRecord } from "./fixtures.ts";

const log = collectedLog();
let folder: ReturnType<typeof temporaryFolder>;
const opened: EmbeddedDatabase[] = [];
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(async () => {
  for (const database of opened.splice(0)) await database.close();
  folder.remove();
});

const open = async (options: { reserveBytes?: number } = {}) => {
  const transactions = followedTransactions();
  const database = await openEmbeddedDatabase({
    ...folder.options,
    searchPath: "bullmq",
    transactions,
    log,
    ...options,
  });
  opened.push(database);
  return database;
};

/** The pid of a process that is gone. */
async function deadPid(): Promise<number> {
  const child = spawn(process.execPath, ["-e", ""]);
  await once(child, "exit");
  return child.pid ?? 0;
}

describe("the embedded database's lock", () => {
  test("a second opening is refused with the holder's pid, and closing gives the lock back", async () => {
    const database = await open();
    const refusal = { code: "store/locked", retry: "never", meta: { pid: process.pid } };
    await expect(open()).rejects.toMatchObject(refusal);
    await database.close();
    await open();
  });

  test("a lock is taken over from a dead process, from a process that has only its pid, and from half a file", async () => {
    const path = `${folder.options.directory}.lock`;
    const stale = [
      JSON.stringify({ pid: await deadPid(), startTicks: "1", host: hostname(), token: "a" }),
      JSON.stringify({ pid: process.pid, startTicks: "1", host: hostname(), token: "b" }),
      '{"pid":',
    ];
    for (const content of stale) {
      writeFileSync(path, content);
      await (await open()).close();
      expect(existsSync(path)).toBe(false);
    }
  });

  test("a holder on another host keeps the lock while it shows life, and loses it when it is silent", async () => {
    const path = `${folder.options.directory}.lock`;
    writeFileSync(path, JSON.stringify({ pid: 1, startTicks: null, host: "elsewhere", token: "c" }));
    await expect(open()).rejects.toMatchObject({ code: "store/locked", meta: { host: "elsewhere" } });
    const minuteAgo = new Date(Date.now() - 60_000);
    utimesSync(path, minuteAgo, minuteAgo);
    await open();
  });
});

describe("the embedded database's cluster", () => {
  test("several starts at once make one template, copy it, and leave nothing else behind", async () => {
    const template = join(folder.path, "template");
    const directories = ["a", "b", "c"].map((name) => join(folder.path, name));
    await Promise.all(directories.map((directory) => ensureCluster(directory, template)));
    // The cluster's random identifier tells copies from clusters of their own.
    const identifier = (directory: string) =>
      readFileSync(join(directory, "global", "pg_control")).readBigUInt64LE(0);
    expect(new Set([template, ...directories].map(identifier)).size).toBe(1);
    expect(readdirSync(folder.path).sort()).toEqual(["a", "b", "c", "template"]);
  }, 60_000);

  test("an empty directory may stand there already; one with other things in it is refused and left alone", async () => {
    const file = join(folder.path, "notes", "mine.txt");
    await ensureCluster(join(folder.path, "notes"), folder.options.template);
    expect(existsSync(file)).toBe(false);
    const foreign = join(folder.path, "foreign");
    await ensureCluster(join(folder.path, "scratch"), folder.options.template);
    const { mkdirSync } = await import("node:fs");
    mkdirSync(foreign);
    writeFileSync(join(foreign, "mine.txt"), "keep");
    await expect(ensureCluster(foreign, folder.options.template)).rejects.toMatchObject({
      code: "store/unavailable",
    });
    expect(readdirSync(foreign)).toEqual(["mine.txt"]);
  });
});

describe("the embedded database shared by store and queue", () => {
  test("what the store writes while a pool client is in a transaction is not part of it", async () => {
    const database = await open();
    const store = await createDrizzleStore({ database, log });
    await database.pool.query("create table public.theirs (id integer)");
    const client = await database.pool.connect();
    await client.query("BEGIN");
    await client.query("set local search_path to public");
    await client.query("insert into theirs values ($1)", [1]);
    const record = requestRecord("a");
    const written = store.insertRequest(record);
    await client.query("insert into theirs values (2); insert into theirs values (3)");
    await client.query("ROLLBACK");
    client.release();
    expect(await written).toBe(true);
    expect(await store.request(record.key)).toEqual(record);
    expect((await database.pool.query("select id from public.theirs")).rows).toEqual([]);
    expect((await database.pool.query("show search_path")).rows).toEqual([{ search_path: "bullmq" }]);
  });

  test("a client that commits keeps what it wrote, and one that fails can roll back", async () => {
    const { pool } = await open();
    const client = await pool.connect();
    await client.query("BEGIN");
    await client.query("create table public.theirs (id integer primary key)");
    await client.query("COMMIT");
    await client.query("BEGIN");
    await client.query("insert into public.theirs values (1)");
    await expect(client.query("insert into public.theirs values (1)")).rejects.toMatchObject({
      code: "23505",
    });
    await client.query("ROLLBACK");
    await client.query("insert into public.theirs values (2)");
    client.release();
    expect((await pool.query("select id from public.theirs")).rows).toEqual([{ id: 2 }]);
  });

  test("a client that is released inside a transaction lets the others go on, without what it wrote", async () => {
    const { pool } = await open();
    await pool.query("create table public.theirs (id integer)");
    const client = await pool.connect();
    await client.query("BEGIN");
    await client.query("insert into public.theirs values (1)");
    client.release();
    expect((await pool.query("select id from public.theirs")).rows).toEqual([]);
  });

  test("a transaction on the pool itself is refused: its statements could be anybody's", async () => {
    const { pool } = await open();
    await expect(pool.query("BEGIN")).rejects.toThrow("use connect()");
  });

  test("using the pool inside a store transaction is refused, instead of waiting for ever; after it, it is fine", async () => {
    const database = await open();
    const store = await createDrizzleStore({ database, log });
    const inside = store.transaction(() => database.pool.query("select 1"));
    await expect(inside).rejects.toMatchObject({ code: "store/queue-inside-transaction", retry: "never" });
    const later = await store.transaction(async () => () => database.pool.query("select 1 as one"));
    expect((await later()).rows).toEqual([{ one: 1 }]);
  });

  test("notifications reach the clients that listen, until they are released", async () => {
    const { pool } = await open();
    const client = await pool.connect();
    const heard: unknown[] = [];
    client.on("notification", (message) => heard.push(message));
    await client.query("LISTEN news");
    await pool.query("select pg_notify($1, $2)", ["news", "one"]);
    expect(heard).toEqual([]);
    await setImmediate();
    expect(heard).toEqual([{ channel: "news", payload: "one" }]);
    client.release();
    await pool.query("select pg_notify($1, $2)", ["news", "two"]);
    await setImmediate();
    expect(heard).toHaveLength(1);
  });
});

describe("the embedded database's disk", () => {
  test("writes stop with store/no-space while reads go on, when less than the reserve is free", async () => {
    const roomy = await open();
    const store = await createDrizzleStore({ database: roomy, log });
    const record = requestRecord("a");
    await store.insertRequest(record);
    await roomy.close();

    const full = await open({ reserveBytes: Number.MAX_SAFE_INTEGER });
    const again = await createDrizzleStore({ database: full, log });
    const noSpace = { code: "store/no-space", retry: "backoff" };
    await expect(again.insertRequest(requestRecord("b"))).rejects.toMatchObject(noSpace);
    await expect(again.transaction((inner) => inner.insertRequest(requestRecord("b")))).rejects.toMatchObject(
      noSpace,
    );
    await expect(full.pool.query("select 1")).rejects.toMatchObject(noSpace);
    expect(await again.request(record.key)).toEqual(record);
    expect(await again.requests({})).toHaveLength(1);
  });

  test("upkeep cuts the log and reuses dead rows, so that rewriting one table does not grow the directory", async () => {
    const { pglite } = await open();
    await pglite.exec("create table public.busy (id integer primary key, value text)");
    await pglite.exec("insert into public.busy select n, repeat('x', 200) from generate_series(1, 2000) n");
    const rewrite = async () => {
      for (let round = 0; round < 60; round++)
        await pglite.exec("update public.busy set value = value || ''");
      await runUpkeep(pglite);
    };
    await rewrite();
    await rewrite();
    const before = sizeOf(folder.options.directory);
    await rewrite();
    await rewrite();
    const grown = sizeOf(folder.options.directory) - before;
    // Each rewrite logs some 45 MB, and leaves 25 MB of dead rows.
    expect(grown).toBeLessThan(32 * 1024 * 1024);
  }, 60_000);
});

function sizeOf(path: string): number {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.size;
  return readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0);
}
