import { expect, test } from "vitest";
import { createCachedStore } from "../../../coprocessor/store/cachedStore.ts";
import { ReadCache } from "../../../coprocessor/store/readCache.ts";
import { type StoreUnderTest, storeConformance } from "./conformance.ts";
import { openEmbeddedStore } from "./embedded.ts";
import { address, requestRecord } from "./fixtures.ts";

async function openCachedStore(): Promise<StoreUnderTest> {
  const subject = await openEmbeddedStore();
  const store = createCachedStore(subject.store);
  const clear = async () => {
    await subject.clear();
    store.forgetAll();
  };
  return { ...subject, store, clear };
}

storeConformance("PGlite behind a read cache", openCachedStore, false);

test("a repeated read is answered from memory, and a write is seen by the next read", async () => {
  const subject = await openEmbeddedStore();
  const store = createCachedStore(subject.store);
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

test("a transaction that is rolled back leaves nothing in memory", async () => {
  const subject = await openEmbeddedStore();
  const store = createCachedStore(subject.store);
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
