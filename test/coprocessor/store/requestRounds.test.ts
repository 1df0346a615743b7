import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { createDrizzleStore } from "../../../coprocessor/store/drizzleStore.ts";
import { type EmbeddedDatabase, openEmbeddedDatabase } from "../../../coprocessor/store/embeddedDatabase.ts";
import type { Store } from "../../../coprocessor/store/port.ts";
import { collectedLog } from "../collectedLog.ts";
import { TEMPLATE, TRUNCATE } from "./embedded.ts";
import { commit, receipt, requestRecord } from "./fixtures.ts";

const folder = mkdtempSync(join(tmpdir(), "sibyl-rounds-"));
const records = Array.from({ length: 8 }, (_, index) => requestRecord(`${index}`));
let database: EmbeddedDatabase;
let store: Store;
/** Statements of each exchange, and transactions, which are several exchanges. */
let exchanges: number[] = [];
let transactions = 0;

beforeAll(async () => {
  const log = collectedLog();
  database = await openEmbeddedDatabase({
    directory: join(folder, "db"),
    searchPath: "public",
    template: TEMPLATE,
    log,
  });
  const { pglite } = database;
  const { queryTogether, transaction } = pglite;
  pglite.queryTogether = (statements) => {
    exchanges.push(statements.length);
    return queryTogether(statements);
  };
  store = await createDrizzleStore({ database, log });
  pglite.transaction = (work) => {
    transactions += 1;
    return transaction(work);
  };
}, 60_000);
afterAll(async () => {
  await store?.close();
  await database?.close();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  await database.pglite.exec(TRUNCATE);
  await store.insertRequests(records);
  exchanges = [];
  transactions = 0;
});

const say = (label: string) => (record: (typeof records)[number]) =>
  store.write({
    key: record.key,
    statement: {
      key: record.key,
      slot: "commit",
      message: commit(record.requestId, 1, label),
      createdAt: 5,
    },
    heard: [{ message: commit(record.requestId, 2), receivedAt: 6 }],
    move: { from: ["waiting"], to: "committed" },
    receipt: receipt("a"),
  });

test("a round: what many write at the same time is one exchange of three statements", async () => {
  const written = await Promise.all(records.map(say("first")));
  expect(written.map(({ record }) => record?.state)).toEqual(records.map(() => "committed"));
  expect(exchanges).toEqual([3]);
  expect(transactions).toBe(0);
});

test("a round of what is known: still one exchange", async () => {
  const hear = () =>
    Promise.all(records.map(({ key, requestId }) => store.addPeerMessage(key, commit(requestId, 2), 1)));
  expect((await hear()).every((stored) => stored !== null)).toBe(true);
  expect(await hear()).toEqual(records.map(() => null));
  expect(exchanges).toEqual([1, 1]);
  expect(transactions).toBe(0);
});

test("a slot that is taken: the round is done over with a close look, and counts once", async () => {
  const [first] = records as [(typeof records)[number]];
  await say("first")(first);
  const written = await Promise.all(records.map(say("second")));
  expect(exchanges).toEqual([3, 3]);
  expect(transactions).toBe(1);
  expect(written[0]).toMatchObject({ record: null, heard: [null, null] });
  expect(written[0]?.statement?.message).toEqual(commit(first.requestId, 1, "first"));
  expect(written.slice(1).every(({ record }) => record?.state === "committed")).toBe(true);
  for (const { key } of records) expect(await store.peerMessages(key)).toHaveLength(2);
});
