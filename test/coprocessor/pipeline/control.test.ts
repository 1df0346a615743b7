import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { ChainClock } from "../../../coprocessor/core/chainClock.ts";
import type { RequestRecord } from "../../../coprocessor/core/request.ts";
import { dropRequest, retryParked } from "../../../coprocessor/pipeline/control.ts";
import { collectedLog } from "../collectedLog.ts";
import type { StoreUnderTest } from "../store/conformance.ts";
import { openEmbeddedStore } from "../store/embedded.ts";
import { CHAIN_ID, commit, hash, ORACLE, recordStatement, requestRecord } from "../store/fixtures.ts";

let subject: StoreUnderTest;
let record: RequestRecord;
let removed: string[];
let ended: string[];
let woken: string[];
let nowMs: number;

beforeAll(async () => {
  subject = await openEmbeddedStore();
}, 60_000);
beforeEach(async () => {
  await subject.clear();
  record = requestRecord("a");
  [removed, ended, woken] = [[], [], []];
  nowMs = (record.deadline - 60) * 1_000;
});
afterAll(() => subject.close());

const deps = () => ({
  scope: { chainId: CHAIN_ID, oracle: ORACLE },
  store: subject.store,
  queue: { remove: async (key: string) => void removed.push(key) } as Parameters<
    typeof dropRequest
  >[0]["queue"],
  waiting: new Map(),
  workload: { ended: (key: string) => void ended.push(key) } as Parameters<typeof dropRequest>[0]["workload"],
  log: collectedLog(),
  now: () => nowMs,
  clock: new ChainClock(),
  wake: (key: string) => void woken.push(key),
});
const stateOf = async () => (await subject.store.request(record.key))?.state;

test("retried: a parked request waits again, without its reason", async () => {
  await subject.store.insertRequest({ ...record, state: "parked", reason: "model/not-found: nowhere" });
  expect(await retryParked(deps(), record.requestId)).toBe("waiting");
  expect(await subject.store.request(record.key)).toMatchObject({ state: "waiting", reason: null });
  expect(woken).toEqual([record.key]);
});

test("retried: what was computed and signed stands, and nothing is computed anew", async () => {
  const { key, requestId } = record;
  await subject.store.insertRequest({
    ...record,
    output: "0x01",
    outputHash: hash("output"),
    state: "committed",
  });
  await recordStatement(subject.store, { key, slot: "commit", message: commit(requestId, 7), createdAt: 1 });
  await subject.store.transition(key, ["committed"], "parked", { reason: "model/gone: now" });
  expect(await retryParked(deps(), requestId)).toBe("committed");
  expect(await subject.store.request(key)).toMatchObject({ state: "committed", output: "0x01" });
});

test("not retried: what is not parked, is over, or is unknown, each by name", async () => {
  await expect(retryParked(deps(), record.requestId)).rejects.toMatchObject({ code: "request/unknown" });
  await subject.store.insertRequest({ ...record, state: "queued" });
  await expect(retryParked(deps(), record.requestId)).rejects.toMatchObject({ code: "request/not-parked" });
  await subject.store.transition(record.key, ["queued"], "parked", { reason: "x" });
  nowMs = record.deadline * 1_000 + 1;
  await expect(retryParked(deps(), record.requestId)).rejects.toThrow(/its deadline passed 1 s ago/);
  expect(await stateOf()).toBe("parked");
  expect(woken).toEqual([]);
});

test("dropped: a request that waits or is queued is parked, and its job leaves the queue", async () => {
  await subject.store.insertRequest({ ...record, state: "queued" });
  await dropRequest(deps(), record.requestId);
  expect(await subject.store.request(record.key)).toMatchObject({
    state: "parked",
    reason: "operator/dropped: the operator gave it up",
  });
  expect(removed).toEqual([record.key]);
  expect(ended).toEqual([record.key]);
});

test("not dropped: a request that we have said something about", async () => {
  await subject.store.insertRequest({ ...record, state: "committed" });
  await expect(dropRequest(deps(), record.requestId)).rejects.toMatchObject({
    code: "request/not-droppable",
  });
  expect(await stateOf()).toBe("committed");
  expect(removed).toEqual([]);
});
