import { PGlite } from "@electric-sql/pglite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type PreparedSession, preparedSession } from "../../../coprocessor/store/preparedSession.ts";

let pglite: PGlite;
let session: PreparedSession;

beforeAll(async () => {
  pglite = await PGlite.create();
  session = preparedSession(pglite);
  await session.exec(
    "create table thing (id bigint primary key, name text, facts jsonb, tags text[], raw bytea, is_new boolean, at timestamptz)",
  );
});
afterAll(() => pglite.close());

const INSERT = "insert into thing values ($1, $2, $3, $4, $5, $6, $7) returning *";
const row = (id: number) => [
  id,
  "näme'\"\\",
  { deep: [1, null, "x"] },
  ["a,b", 'c"d'],
  new Uint8Array([0, 1, 255]),
  true,
  new Date("2026-01-02T03:04:05.678Z"),
];
const prepared = async (): Promise<number> => {
  const { rows } = await pglite.query<{ count: number }>(
    "select count(*)::int as count from pg_prepared_statements",
  );
  return rows[0]?.count ?? 0;
};

describe("preparedSession: what comes back", () => {
  test("rows, fields and counts are PGlite's own, of every type, as objects and as lists", async () => {
    const SELECT = "select *, $2::int + 1 as more, null as nothing from thing where id = $1";
    const inserted = await session.query(INSERT, row(1));
    expect(inserted).toMatchObject({ affectedRows: 1, rows: [{ id: 1, name: "näme'\"\\" }] });
    for (const options of [
      {},
      { rowMode: "array" as const },
      { parsers: { 20: (text: string) => `<${text}>` } },
    ]) {
      const ours = await session.query(SELECT, [1, 41], options);
      expect(ours).toEqual(await pglite.query(SELECT, [1, 41], options));
      expect(ours.rows).toHaveLength(1);
    }
    expect(await session.query("select 1 as one")).toEqual(await pglite.query("select 1 as one"));
    expect((await session.query("update thing set name = null where id = $1", [99])).affectedRows).toBe(0);
  });

  test("long texts and JSON arrive as they are, whatever is in them", async () => {
    const long = "näme'\"\\🜁".repeat(100);
    const SELECT = "select $1::text as text, $2::jsonb as json, $3::text[] as list";
    const params = [long, { deep: [long] }, [long, "short"]];
    const { rows } = await session.query(SELECT, params);
    expect(rows).toEqual([{ text: long, json: { deep: [long] }, list: [long, "short"] }]);
    expect(rows).toEqual((await pglite.query(SELECT, params)).rows);
  });

  test("refused: the error is Postgres' own with its SQLSTATE, and the session goes on", async () => {
    await session.query(INSERT, row(2));
    await expect(session.query(INSERT, row(2))).rejects.toMatchObject({ code: "23505" });
    await expect(session.query("select * from nowhere where id = $1", [1])).rejects.toMatchObject({
      code: "42P01",
    });
    await expect(session.query("select $1::int as n", ["four"])).rejects.toMatchObject({ code: "22P02" });
    expect((await session.query("select $1::int as n", [4])).rows).toEqual([{ n: 4 }]);
  });
});

describe("preparedSession: together", () => {
  const INSERT_ID = "insert into thing (id) values ($1)";
  const idsFrom = async (least: number) =>
    (await session.query("select id from thing where id >= $1 order by id", [least])).rows;

  test("each has its own answer, in order, and all have one transaction", async () => {
    const XID = "select pg_current_xact_id()::text as xid, $1::int as n";
    const answers = await session.queryTogether([
      { text: INSERT_ID, params: [100] },
      { text: XID, params: [1] },
      { text: "update thing set name = $1 where id >= $2", params: ["x", 100] },
      { text: XID, params: [2] },
    ]);
    expect(answers.map(({ affectedRows }) => affectedRows)).toEqual([1, 0, 1, 0]);
    expect(answers.map(({ rows }) => rows[0]?.n)).toEqual([undefined, 1, undefined, 2]);
    expect(answers[1]?.rows[0]?.xid).toBe(answers[3]?.rows[0]?.xid);
    expect(await idsFrom(100)).toEqual([{ id: 100 }]);
  });

  test("one refused: none counts, and the session goes on", async () => {
    const twice = [200, 201, 200].map((id) => ({ text: INSERT_ID, params: [id] }));
    await expect(session.queryTogether(twice)).rejects.toMatchObject({ code: "23505" });
    expect(await idsFrom(200)).toEqual([]);
    await session.queryTogether(twice.slice(0, 2));
    expect(await idsFrom(200)).toEqual([{ id: 200 }, { id: 201 }]);
  });

  test("too many: refused, as some of them would have to make room for others", () => {
    const many = Array.from({ length: 33 }, () => ({ text: "select $1::int", params: [1] }));
    expect(() => session.queryTogether(many)).toThrow("33 statements, at most 32");
  });
});

describe("preparedSession: statements", () => {
  test("each is prepared once, and the oldest makes room", async () => {
    const before = await prepared();
    for (let time = 0; time < 5; time++) await session.query("select $1::text || 'again' as once", ["x"]);
    expect(await prepared()).toBe(before + 1);
    for (let other = 0; other < 600; other++) await session.query(`select $1::int as n${other}`, [other]);
    expect(await prepared()).toBe(256);
    expect((await session.query("select $1::text || 'again' as once", ["y"])).rows).toEqual([
      { once: "yagain" },
    ]);
    expect(await prepared()).toBe(256);
  });
});

describe("preparedSession: transactions", () => {
  test("rolled back: what was written is gone, what was prepared in it still runs", async () => {
    const TEXT = "insert into thing (id) values ($1::bigint)";
    const failing = session.transaction(async (transaction) => {
      await transaction.query(TEXT, [7]);
      throw new Error("no");
    });
    await expect(failing).rejects.toThrow("no");
    expect((await session.query("select id from thing where id = $1", [7])).rows).toEqual([]);
    await session.query(TEXT, [7]);
    expect((await session.query("select id from thing where id = $1", [7])).rows).toEqual([{ id: 7 }]);
  });

  test("failed inside: the transaction is aborted as Postgres does it, and the next one works", async () => {
    const failing = session.transaction(async (transaction) => {
      await transaction.query("insert into thing (id) values ($1)", [8]);
      await transaction.query("insert into thing (id) values ($1)", [8]).catch(() => {});
      await transaction.query("select $1::int as late", [1]);
    });
    await expect(failing).rejects.toMatchObject({ code: "25P02" });
    expect((await session.query("select $1::int as late", [1])).rows).toEqual([{ late: 1 }]);
  });

  test("failed at once: what follows is refused too, though the first statement could not even be prepared", async () => {
    const failing = session.transaction(async (transaction) => {
      await transaction.query("insert into nowhere (id) values ($1)", [9]).catch(() => {});
      await transaction.query("insert into thing (id) values ($1::bigint)", [9]);
    });
    await expect(failing).rejects.toMatchObject({ code: "25P02" });
    expect((await session.query("select id from thing where id = $1", [9])).rows).toEqual([]);
  });

  test("scripts: part of the transaction, also as its beginning", async () => {
    const failing = session.transaction(async (transaction) => {
      await transaction.exec("insert into thing (id) values (10); insert into thing (id) values (11)");
      const { rows } = await transaction.query("select id from thing where id >= $1 and id < 20", [10]);
      expect(rows).toEqual([{ id: 10 }, { id: 11 }]);
      throw new Error("no");
    });
    await expect(failing).rejects.toThrow("no");
    expect((await session.query("select id from thing where id >= $1 and id < 20", [10])).rows).toEqual([]);
  });

  test("alone: nobody else's statement comes between, and none through a transaction that is over", async () => {
    let other: Promise<unknown> = Promise.resolve();
    const order: string[] = [];
    const kept = await session.transaction(async (transaction) => {
      other = session.query("select 1").then(() => order.push("other"));
      await transaction.query("select $1::int", [1]);
      await transaction.query("select $1::int", [2]);
      order.push("transaction");
      return transaction;
    });
    await other;
    expect(order).toEqual(["transaction", "other"]);
    await expect(kept.query("select 1")).rejects.toThrow("the transaction is over");
  });

  test("notifications arrive", async () => {
    const heard: string[] = [];
    session.onNotification((channel, payload) => heard.push(`${channel} ${payload}`));
    await session.exec("listen news");
    await session.query("select pg_notify($1, $2)", ["news", "now"]);
    expect(heard).toEqual(["news now"]);
  });
});
