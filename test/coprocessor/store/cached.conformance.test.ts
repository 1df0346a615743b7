import { expect, test } from "vitest";
import type { OutboxEntry, OutboxState } from "../../../coprocessor/core/outbox.ts";
import { around } from "../../../coprocessor/observe/around.ts";
import { createCachedStore } from "../../../coprocessor/store/cachedStore.ts";
import { ReadCache } from "../../../coprocessor/store/readCache.ts";
import { type StoreUnderTest, storeConformance } from "./conformance.ts";
import { openEmbeddedStore } from "./embedded.ts";
import { address, outboxEntry, requestRecord } from "./fixtures.ts";

const onLost = (_key: string, error: unknown) => {
  throw error;
};

async function openCachedStore(): Promise<StoreUnderTest> {
  const subject = await openEmbeddedStore();
  const store = createCachedStore(subject.store, { onLost });
  const clear = async () => {
    // What was heard is stored then.
    await store.transaction(async () => {});
    await subject.clear();
    store.forgetAll();
  };
  return { ...subject, store, clear };
}

storeConformance("PGlite behind a read cache", openCachedStore, false);

test("a repeated read is answered from memory, and a write is seen by the next read", async () => {
  const subject = await openEmbeddedStore();
  const store = createCachedStore(subject.store, { onLost });
  const record = requestRecord("a");
  await store.insertRequest(record);
  const first = await store.request(record.key);
  expect(await store.request(record.key)).toBe(first);
  await store.transition(record.key, ["waiting"], "queued");
  expect((await store.request(record.key))?.state).toBe("queued");

  expect(await store.operator(1)).toBeNull();
  const operator = { operatorId: 1, owner: address("a"), attester: address("b"), endpoint: "" };
  await store.putOperator(operator, 1n);
  expect(await store.operator(1)).toEqual(operator);
  await subject.close();
}, 60_000);

test("transactions of a request: memory follows what is planned and what becomes of it, in the tables' order", async () => {
  const subject = await openEmbeddedStore();
  const store = createCachedStore(subject.store, { onLost });
  const { key } = requestRecord("a");
  const both = async () => {
    expect(await store.outboxFor(key)).toEqual(await subject.store.outboxFor(key));
    return (await store.outboxFor(key)).map(({ id, state }) => `${id} ${state}`);
  };
  expect(await both()).toEqual([]);
  const later = outboxEntry("later", { key, createdAt: 2 });
  const first = outboxEntry("first", { key, createdAt: 1 });
  await store.insertOutbox(later);
  await store.insertOutbox(first);
  expect(await store.insertOutbox({ ...first, gas: 1n })).toBe(false);
  expect(await both()).toEqual(["first planned", "later planned"]);
  const signed = { ...first, state: "signed" as const, nonce: 3 };
  await store.transaction(async (inner) => void (await inner.updateOutbox(signed, "planned")));
  expect(await store.updateOutbox({ ...first, nonce: 4 }, "planned")).toBe(false);
  expect(await both()).toEqual(["first signed", "later planned"]);
  const undone = store.transaction(async (inner) => {
    await inner.updateOutbox({ ...signed, state: "abandoned" }, "signed");
    throw new Error("rolled back");
  });
  await expect(undone).rejects.toThrow("rolled back");
  expect(await both()).toEqual(["first signed", "later planned"]);
  await subject.close();
}, 60_000);

test("what is owed: memory lists it as the tables do, whatever becomes of it, and asks them once", async () => {
  const subject = await openEmbeddedStore();
  let asked = 0;
  const counted = around(subject.store, {
    outbox(filter) {
      asked += 1;
      return subject.store.outbox(filter);
    },
  });
  const store = createCachedStore(counted, { onLost });
  const filters: OutboxState[][] = [["planned"], ["batched"], ["signed", "planned"], ["signed"]];
  const isAsStored = async () => {
    for (const states of filters)
      expect(await store.outbox({ states })).toEqual(await subject.store.outbox({ states }));
  };
  const entries = ["a", "b", "c", "d"].map((label, place) => outboxEntry(label, { createdAt: 9 - place }));
  await store.insertOutbox(entries[0] as OutboxEntry);
  await isAsStored();
  for (const entry of entries.slice(1)) await store.insertOutbox(entry);
  await isAsStored();
  const as = (state: OutboxState, ...which: number[]) =>
    which.map((place) => ({
      ...(entries[place] as OutboxEntry),
      state,
      nonce: state === "signed" ? 9 - place : null,
    }));
  await store.transaction(async (inner) => {
    await inner.updateOutboxAll(as("signed", 0, 2), "planned");
    await inner.updateOutboxAll(as("batched", 1, 3), "planned");
  });
  await isAsStored();
  await store.updateOutboxAll(as("mined", 0, 3), "signed");
  await isAsStored();
  await store.updateOutboxAll(as("mined", 1, 3), "batched");
  await isAsStored();
  expect(await store.outbox({ states: ["mined"] })).toHaveLength(3);
  // Once before there was any, once after a write that found another state, and once for those that are over.
  expect(asked).toBe(3);
  await subject.close();
}, 60_000);

test("a transaction that is rolled back leaves nothing in memory", async () => {
  const subject = await openEmbeddedStore();
  const store = createCachedStore(subject.store, { onLost });
  const record = requestRecord("a");
  await store.insertRequest(record);
  await store.request(record.key);
  const failure = store.transaction(async (inside) => {
    await inside.transition(record.key, ["waiting"], "parked", { reason: "undone" });
    expect((await inside.request(record.key))?.state).toBe("parked");
    throw new Error("rolled back");
  });
  await expect(failure).rejects.toThrow("rolled back");
  expect((await store.request(record.key))?.state).toBe("waiting");
  await subject.close();
}, 60_000);

test("ReadCache: a value read while its key was written is not kept; the oldest makes room", async () => {
  const cache = new ReadCache<string, number>(2);
  let finish = (_: number) => {};
  const slow = cache.get("a", () => new Promise((resolve) => (finish = resolve)));
  cache.forget("a");
  finish(1);
  expect(await slow).toBe(1);
  expect(await cache.get("a", async () => 2)).toBe(2);
  for (const key of ["b", "c"]) await cache.get(key, async () => 0);
  expect(await cache.get("a", async () => 3)).toBe(3);
});
