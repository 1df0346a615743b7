import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { drain } from "../../../coprocessor/compose/drain.ts";
import { ChainClock } from "../../../coprocessor/core/chainClock.ts";
import { Workload } from "../../../coprocessor/core/workload.ts";
import { collectedLog } from "../collectedLog.ts";
import type { StoreUnderTest } from "../store/conformance.ts";
import { openEmbeddedStore } from "../store/embedded.ts";
import { outboxEntry, requestRecord } from "../store/fixtures.ts";

let subject: StoreUnderTest;
let workload: Workload;
beforeAll(async () => {
  subject = await openEmbeddedStore();
}, 60_000);
afterAll(() => subject.close());
beforeEach(async () => {
  await subject.clear();
  workload = new Workload(() => {
    throw new Error("a node that drains asks for no rules");
  });
});

const start = (timeoutMs: number) =>
  drain({ workload, store: subject.store, clock: new ChainClock(), log: collectedLog() }, timeoutMs);
const open = (label: string) => ({
  ...requestRecord(label),
  deadline: Math.floor(Date.now() / 1_000) + 600,
});

test("drained: at once when nothing was begun, and nothing new is taken", async () => {
  await subject.store.insertRequest(open("waiting"));
  await subject.store.insertRequest({ ...requestRecord("overdue"), state: "committed" });
  await subject.store.insertOutbox(outboxEntry("f", { kind: "finalize" }));
  expect(await start(0)).toBe(true);
  const job = { key: "a", priority: 1, latestEndAt: 1e15, modelId: "0x" } as const;
  expect(workload.take(job, 0)).toEqual({ type: "drain" });
});

test("drained: waits until what was begun is over and what was signed is in a block", async () => {
  const record = open("a");
  await subject.store.insertRequest({ ...record, state: "committed" });
  await subject.store.insertOutbox(outboxEntry("s", { state: "signed", nonce: 1 }));
  let over = false;
  const draining = start(60_000).then((all) => {
    over = true;
    return all;
  });
  await subject.store.transition(record.key, ["committed"], "settled");
  expect(over).toBe(false);
  await subject.store.updateOutbox(outboxEntry("s", { state: "mined", nonce: 1, minedBlock: 1n }), "signed");
  expect(await draining).toBe(true);
});

test("drained in part: the time is over", async () => {
  await subject.store.insertRequest({ ...open("a"), state: "queued" });
  expect(await start(10)).toBe(false);
});
