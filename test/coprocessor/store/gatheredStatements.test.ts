import { PGlite } from "@electric-sql/pglite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { GatheredStatements } from "../../../coprocessor/store/gatheredStatements.ts";
import { type PreparedSession, preparedSession } from "../../../coprocessor/store/preparedSession.ts";

let pglite: PGlite;
let session: PreparedSession;

beforeAll(async () => {
  pglite = await PGlite.create();
  session = preparedSession(pglite);
  await session.exec("create table thing (id integer primary key, at_xid xid8 default pg_current_xact_id())");
});
afterAll(() => pglite.close());

const INSERT = "insert into thing (id) values ($1) returning id, at_xid::text as xid";
const insertAll = (gathered: GatheredStatements, ids: readonly number[]) =>
  Promise.allSettled(ids.map((id) => gathered.query(INSERT, [id])));

test("gathered: a lone statement waits for nobody, what comes meanwhile shares a commit, in order", async () => {
  const answers = await insertAll(new GatheredStatements(session), [1, 2, 3, 4]);
  const rows = answers.map((answer) => (answer.status === "fulfilled" ? answer.value.rows[0] : null));
  expect(rows.map((row) => row?.id)).toEqual([1, 2, 3, 4]);
  expect(new Set(rows.map((row) => row?.xid)).size).toBe(2);
  expect(rows[0]?.xid).not.toBe(rows[1]?.xid);
});

test("refused: who caused it learns it, and the others of its group are done all the same", async () => {
  const answers = await insertAll(new GatheredStatements(session), [10, 11, 10, 12]);
  expect(answers.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "rejected", "fulfilled"]);
  expect((answers[2] as PromiseRejectedResult).reason).toMatchObject({ code: "23505" });
  const { rows } = await session.query("select id from thing where id >= $1 order by id", [10]);
  expect(rows).toEqual([{ id: 10 }, { id: 11 }, { id: 12 }]);
});

test("many: groups are bounded, and everybody has an answer", async () => {
  const ids = Array.from({ length: 200 }, (_, index) => 1_000 + index);
  const answers = await insertAll(new GatheredStatements(session), ids);
  const xids = answers.map((answer) => (answer.status === "fulfilled" ? answer.value.rows[0]?.xid : null));
  expect(xids).not.toContain(null);
  const sizes = [...new Set(xids)].map((xid) => xids.filter((other) => other === xid).length);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(32);
  expect(sizes.length).toBeLessThan(10);
});
