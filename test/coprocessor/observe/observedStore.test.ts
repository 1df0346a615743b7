import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { observeStore, type StoreChange } from "../../../coprocessor/observe/observedStore.ts";
import type { Store } from "../../../coprocessor/store/port.ts";
import type { StoreUnderTest } from "../store/conformance.ts";
import { openEmbeddedStore } from "../store/embedded.ts";
import { requestRecord } from "../store/fixtures.ts";

let subject: StoreUnderTest;
let store: Store;
let told: (readonly StoreChange[])[];

beforeAll(async () => {
  subject = await openEmbeddedStore();
  store = observeStore(subject.store, (changes) => told.push(changes));
}, 60_000);
beforeEach(async () => {
  await subject.clear();
  told = [];
});
afterAll(() => subject.close());

const names = () =>
  told.map((changes) => changes.map((change) => (change.type === "moved" ? change.to : change.type)));

test("a write is told once it is stored, and one that changed nothing is not", async () => {
  const record = requestRecord("a");
  await store.insertRequest(record);
  await store.insertRequest(record);
  await store.transition(record.key, ["waiting"], "queued");
  await store.transition(record.key, ["waiting"], "queued");
  expect(names()).toEqual([["opened"], ["queued"]]);
  expect(await store.request(record.key)).toMatchObject({ state: "queued" });
});

test("what a transaction wrote is told together at its end, with what a nested one wrote", async () => {
  const record = requestRecord("a");
  await store.transaction(async (outer) => {
    await outer.insertRequest(record);
    await outer.transaction(
      async (inner) => void (await inner.transition(record.key, ["waiting"], "queued")),
    );
    expect(told).toEqual([]);
  });
  expect(names()).toEqual([["opened", "queued"]]);
});

test("of a transaction that was rolled back nothing is told", async () => {
  const broken = store.transaction(async (inside) => {
    await inside.insertRequest(requestRecord("a"));
    throw new Error("no");
  });
  await expect(broken).rejects.toThrow("no");
  expect(told).toEqual([]);
});

test("a reorg is told with the block that it went back to", async () => {
  await store.rewind(5n);
  expect(told).toEqual([[{ type: "rewound", ancestor: 5n }]]);
});
