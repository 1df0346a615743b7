import { expect, test } from "vitest";
import { distrustQueue } from "../../../coprocessor/compose/distrustingQueue.ts";
import { guardQueue } from "../../../coprocessor/compose/guardedQueue.ts";
import { WorkerTrust } from "../../../coprocessor/core/workerTrust.ts";
import type { InferenceJob, JobOutcome, JobQueue } from "../../../coprocessor/queue/port.ts";
import { collectedLog } from "../collectedLog.ts";
import { done, job } from "../queue/fixtures.ts";

/** A queue that only writes down what it is told, and tells outcomes when the test says so. */
function scriptedQueue() {
  const added: InferenceJob[] = [];
  const removed: string[] = [];
  let tell: (key: string, outcome: JobOutcome) => Promise<void> = async () => {};
  const queue: JobQueue = {
    add: async (one) => void added.push(one),
    remove: async (key) => void removed.push(key),
    onOutcome: (handler) => {
      tell = handler;
    },
    counts: async () => ({ waiting: 0, active: 0, parked: 0 }),
    depths: async () => [],
    jobs: async () => [],
    close: async () => {},
  };
  return { queue, added, removed, tell: (key: string, outcome: JobOutcome) => tell(key, outcome) };
}

test("guarded: a node whose lease may be another's changes nothing, and hears nothing", async () => {
  const { queue, added, removed, tell } = scriptedQueue();
  let isHeld = true;
  const guarded = guardQueue(queue, () => {
    if (!isHeld) throw new Error("not ours");
  });
  const heard: string[] = [];
  guarded.onOutcome(async (key) => void heard.push(key));
  await guarded.add(job("a"), 1);
  await tell(job("a").key, done());
  await guarded.remove(job("a").key);
  isHeld = false;
  await expect(guarded.add(job("b"))).rejects.toThrow("not ours");
  await expect(guarded.remove(job("b").key)).rejects.toThrow("not ours");
  await expect(tell(job("b").key, done())).rejects.toThrow("not ours");
  expect([added.length, removed.length, heard.length]).toEqual([1, 1, 1]);
});

test("distrusted: answers of a parked worker are thrown away and asked for again, of others only", async () => {
  const { queue, added, removed, tell } = scriptedQueue();
  const trust = new WorkerTrust();
  const again: string[] = [];
  const log = collectedLog();
  const careful = distrustQueue(queue, { trust, log, onDiscarded: async (key) => void again.push(key) });
  const heard: string[] = [];
  careful.onOutcome(async (key) => void heard.push(key));
  await careful.add(job("a"));
  await tell(job("a").key, { ...done(), worker: "wrong" } as JobOutcome);
  expect(trust.park("wrong", "its answers differ", 1)).toBe(true);
  expect(trust.park("wrong", "they still do", 2)).toBe(false);
  await careful.add(job("b"));
  await tell(job("b").key, { ...done(), worker: "wrong" } as JobOutcome);
  await tell(job("b").key, { ...done(), worker: "right" } as JobOutcome);
  await tell(job("c").key, done());
  await tell(job("d").key, { status: "failed", code: "a/b", message: "c" });
  expect(added.map(({ notBy }) => notBy)).toEqual([undefined, ["wrong"]]);
  expect(again).toEqual([job("b").key]);
  expect(removed).toEqual([job("b").key]);
  expect(heard).toEqual(["a", "b", "c", "d"].map((label) => job(label).key));
  expect(trust.list()).toEqual([{ worker: "wrong", reason: "its answers differ", since: 1 }]);
});
