import { afterAll, expect, test } from "vitest";
import { plannedTransaction } from "../../../coprocessor/core/plannedTransaction.ts";
import { type AccountSchemas, createDrizzleStore } from "../../../coprocessor/store/drizzleStore.ts";
import { type EmbeddedDatabase, openEmbeddedDatabase } from "../../../coprocessor/store/embeddedDatabase.ts";
import type { Store } from "../../../coprocessor/store/port.ts";
import { collectedLog } from "../collectedLog.ts";
import { temporaryFolder } from "./embedded.ts";
import { address, block, CHAIN_ID, ORACLE, requestRecord } from "./fixtures.ts";

const log = collectedLog();
const OTHER = address("another oracle");
const folders: ReturnType<typeof temporaryFolder>[] = [];
const databases: EmbeddedDatabase[] = [];

async function openDatabase(): Promise<EmbeddedDatabase> {
  const folder = temporaryFolder();
  folders.push(folder);
  const database = await openEmbeddedDatabase({ ...folder.options, searchPath: "bullmq", log });
  databases.push(database);
  return database;
}

afterAll(async () => {
  for (const database of databases) await database.close();
  for (const folder of folders) folder.remove();
});

const openAlone = (database: EmbeddedDatabase, oracle = ORACLE) =>
  createDrizzleStore({ database, placing: { of: { chainId: CHAIN_ID, oracle }, alone: true }, log });
const openBeside = (database: EmbeddedDatabase, oracle = ORACLE, account?: AccountSchemas) =>
  createDrizzleStore({
    database,
    placing: { of: { chainId: CHAIN_ID, oracle }, alone: false },
    ...(account === undefined ? {} : { account }),
    log,
  });

const schemas = async (database: EmbeddedDatabase) => {
  const { rows } = await database.pglite.query<{ name: string }>(
    "select nspname as name from pg_namespace where nspname like 'sibyl%' order by 1",
  );
  return rows.map(({ name }) => name);
};
const schemaOf = (oracle: string) => `sibyl_${CHAIN_ID}_${oracle.slice(2).toLowerCase()}`;
const knows = async (store: Store) => (await store.requests({})).length > 0;

test("an oracle that was followed alone keeps its rows when others come beside it, and when they go", async () => {
  const database = await openDatabase();
  const first = await openAlone(database);
  await first.insertRequest(requestRecord("a"));
  expect(await schemas(database)).toEqual(["sibyl"]);
  expect(await knows(await openBeside(database, OTHER))).toBe(false);
  expect(await knows(await openBeside(database))).toBe(true);
  expect(await knows(await openAlone(database))).toBe(true);
  expect(await schemas(database)).toEqual(["sibyl", schemaOf(OTHER)]);
}, 60_000);

test("rows from before schemas had owners belong to the oracle that they name", async () => {
  const database = await openDatabase();
  const unowned = await createDrizzleStore({ database, log });
  await unowned.insertRequest(requestRecord("a"));
  expect(await knows(await openAlone(database, OTHER))).toBe(false);
  expect(await knows(await openBeside(database))).toBe(true);
  expect(await schemas(database)).toEqual(["sibyl", schemaOf(OTHER)]);
}, 60_000);

test("an oracle that was followed beside others keeps its rows when it is followed alone", async () => {
  const database = await openDatabase();
  await (await openBeside(database)).insertRequest(requestRecord("a"));
  expect(await knows(await openAlone(database))).toBe(true);
  // `sibyl` has the lease, and is nobody's.
  expect(await schemas(database)).toEqual(["sibyl", schemaOf(ORACLE)]);
  expect(await knows(await openAlone(database, OTHER))).toBe(false);
}, 60_000);

test("two oracles' rows do not meet: requests, blocks, rewinds", async () => {
  const database = await openDatabase();
  const [a, b] = [await openBeside(database), await openBeside(database, OTHER)];
  for (const store of [a, b]) {
    await store.addBlock(block(5n));
    await store.addBlock(block(10n));
    await store.insertRequest(requestRecord("same", 10n));
  }
  await a.transition(requestRecord("same").key, ["waiting"], "parked", { reason: "only here" });
  expect((await b.request(requestRecord("same").key))?.state).toBe("waiting");
  await a.rewind(5n);
  expect(await a.blocks()).toHaveLength(1);
  expect(await b.blocks()).toHaveLength(2);
  expect(await knows(a)).toBe(false);
  expect(await knows(b)).toBe(true);
}, 60_000);

function planned(label: string) {
  const { key } = requestRecord(label);
  const plan = { id: `settle/${key}/0`, key, kind: "settle" as const, to: ORACLE, data: "0x" as const };
  return plannedTransaction({ ...plan, gas: 100n, maxFeePerGasCap: 10n, value: 7n }, 1);
}

const attempt = { hash: "0x01", raw: "0x02", maxFeePerGas: 5n, maxPriorityFeePerGas: 1n } as const;

test("two oracles that share an account never give out one nonce twice, and see what the other holds", async () => {
  const database = await openDatabase();
  const account: AccountSchemas = new Set();
  const stores = [
    await openBeside(database, ORACLE, account),
    await openBeside(database, OTHER, account),
  ] as const;
  const stranger = await openBeside(database, address("a third oracle"));
  const labels = Array.from({ length: 12 }, (_, index) => `${index}`);
  const given = await Promise.all(
    labels.map(async (label, index) => {
      const store = stores[index % 2] as Store;
      const entry = planned(label);
      await store.insertOutbox(entry);
      return store.transaction(async (inside) => {
        const nonce = await inside.nextNonce(3);
        const attempts = [{ ...attempt, signedAt: 1, sentAt: 0 }];
        await inside.updateOutbox({ ...entry, state: "signed", nonce, attempts }, "planned");
        return nonce;
      });
    }),
  );
  expect(given.toSorted((a, b) => a - b)).toEqual(labels.map((_, index) => 3 + index));
  const held = async (store: Store) => {
    const own = await store.outbox({ states: ["signed"] });
    return own.map(({ nonce }) => nonce ?? -1);
  };
  const [first, second] = [await held(stores[0]), await held(stores[1])];
  for (const [store, others] of [
    [stores[0], second],
    [stores[1], first],
  ] as const) {
    const holders = await store.nonceHoldersBeside();
    expect(holders.map(({ nonce }) => nonce)).toEqual(others);
    expect(new Set(holders.map(({ maxWei }) => maxWei))).toEqual(new Set([507n]));
    expect(await store.outbox({ states: ["signed"] })).toHaveLength(6);
    expect(await store.nextNonce(0)).toBe(15);
    expect(await store.nextNonce(20)).toBe(20);
  }
  expect(await stranger.nextNonce(3)).toBe(3);
  expect(await stranger.nonceHoldersBeside()).toEqual([]);
}, 60_000);
