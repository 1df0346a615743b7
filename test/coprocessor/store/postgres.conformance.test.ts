import pg from "pg";
import { describe, expect, test } from "vitest";
import { createDrizzleStore } from "../../../coprocessor/store/drizzleStore.ts";
import type { Store } from "../../../coprocessor/store/port.ts";
import { followedTransactions } from "../../../coprocessor/store/transactionScope.ts";
import { ensurePostgres, startPostgres } from "../../../scripts/services/postgres.ts";
import { collectedLog } from "../collectedLog.ts";
import { until } from "../queue/fixtures.ts";
import { type StoreUnderTest, storeConformance } from "./conformance.ts";
import { TRUNCATE } from "./embedded.ts";
import { requestRecord } from "./fixtures.ts";

const postgres = await ensurePostgres();
const skip = "unavailable" in postgres ? postgres.unavailable : false;

const start = () => {
  if ("unavailable" in postgres) throw new Error(postgres.unavailable);
  return startPostgres(postgres);
};

type Url = `postgres://${string}`;

async function open(): Promise<StoreUnderTest> {
  const server = await start();
  const admin = new pg.Pool({ connectionString: server.url, max: 1 });
  admin.on("error", () => {});
  const store = await createDrizzleStore({
    database: server.url as Url,
    transactions: followedTransactions(),
    log: collectedLog(),
  });
  return {
    store,
    clear: async () => void (await admin.query(TRUNCATE)),
    close: async () => {
      await store.close();
      await admin.end();
      await server.stop();
    },
  };
}

storeConformance("PostgreSQL", open, skip);

describe.skipIf(skip !== false)(
  `store on a PostgreSQL server${skip === false ? "" : ` (skipped: ${skip})`}`,
  () => {
    test("stores that start at the same time migrate once", async () => {
      await using server = await start();
      const open = () => createDrizzleStore({ database: server.url as Url, log: collectedLog() });
      const stores = await Promise.all([open(), open(), open(), open()]);
      const record = requestRecord("a");
      const inserted = await Promise.all(stores.map((store) => store.insertRequest(record)));
      expect(inserted.filter(Boolean)).toHaveLength(1);
      for (const store of stores) await store.close();
    });

    test("two nodes on one database never both win a transition", async () => {
      await using server = await start();
      const open = () => createDrizzleStore({ database: server.url as Url, log: collectedLog() });
      const [a, b] = await Promise.all([open(), open()]);
      const race = async (store: Store, label: string, key: string) =>
        store.transaction(async (inner) => (await inner.transition(key, ["waiting"], "queued")) && label);
      for (let round = 0; round < 20; round++) {
        const record = requestRecord(`${round}`);
        await a.insertRequest(record);
        const winners = await Promise.all([race(a, "a", record.key), race(b, "b", record.key)]);
        expect(winners.filter(Boolean)).toHaveLength(1);
      }
      await a.close();
      await b.close();
    });

    test("a wrong password and an unknown database are told apart from a server that is down", async () => {
      await using server = await start();
      const open = (url: string) => createDrizzleStore({ database: url as Url, log: collectedLog() });
      await expect(open(server.url.replace("sibyl-test", "wrong"))).rejects.toMatchObject({
        code: "store/auth-failed",
        retry: "never",
      });
      await expect(open(server.url.replace(/\/postgres$/, "/nothing"))).rejects.toMatchObject({
        code: "store/no-such-database",
        retry: "never",
      });
      await server.kill();
      await expect(open(server.url)).rejects.toMatchObject({ code: "store/unavailable", retry: "backoff" });
    });

    test("a server that dies fails the call, and serves the next one when it is back, with all that was stored", async () => {
      await using server = await start();
      const store = await createDrizzleStore({ database: server.url as Url, log: collectedLog() });
      const record = requestRecord("a");
      await store.insertRequest(record);
      const unavailable = { code: "store/unavailable", retry: "backoff" };
      const inTransaction = store.transaction(async (inner) => {
        await inner.transition(record.key, ["waiting"], "queued");
        await server.kill();
        await inner.transition(record.key, ["queued"], "parked");
      });
      await expect(inTransaction).rejects.toMatchObject(unavailable);
      await expect(store.request(record.key)).rejects.toMatchObject(unavailable);
      await server.startAgain();
      const found = await until("the server", async () => {
        try {
          return await store.request(record.key);
        } catch {
          return null;
        }
      });
      expect(found).toEqual(record);
      await store.close();
    });
  },
);
