import { expect, test, vi } from "vitest";
import type { PipelineDeps } from "../../../coprocessor/pipeline/deps.ts";
import { createDriver } from "../../../coprocessor/pipeline/driver.ts";
import { collectedLog } from "../collectedLog.ts";
import { until } from "../queue/fixtures.ts";
import { requestRecord } from "../store/fixtures.ts";

test("a flood of requests: 64 are looked at together, and every one gets its turn", async () => {
  const looks = new Map<string, number>();
  const held: (() => void)[] = [];
  let together = 0;
  let most = 0;
  let isHolding = true;
  /** The store's part, as far as a request that is gone needs it: each look lasts until it is let go. */
  const store = {
    async request(key: string) {
      looks.set(key, (looks.get(key) ?? 0) + 1);
      together += 1;
      most = Math.max(most, together);
      if (isHolding) await new Promise<void>((resolve) => held.push(resolve));
      together -= 1;
      return null;
    },
  };
  const deps = { store, log: collectedLog(), now: Date.now, waiting: new Map() } as unknown as PipelineDeps;
  const driver = createDriver(deps, { repeatMs: 60_000 });
  const keys = Array.from({ length: 1_000 }, (_, index) => `key-${index}`);
  for (const key of keys) driver.wake(key);
  // Woken again before its turn comes, which is one look, and while it runs, which is another.
  driver.wake("key-1");
  driver.wake("key-999");
  await until("the first ones", () => (held.length === 64 ? true : null));
  driver.wake("key-0");
  expect(looks.size).toBe(64);
  isHolding = false;
  for (const letGo of held) letGo();
  await until("all of them", () => (looks.size === keys.length && together === 0 ? true : null));
  expect(most).toBe(64);
  // A look by the stage and one by the driver, and the stage's once more for the one that was woken while it ran.
  expect(looks.get("key-1")).toBe(2);
  expect(looks.get("key-0")).toBe(3);
  await driver.stop();
});

test("a job that the queue forgot is added again for as long as its request waits for it", async () => {
  const record = requestRecord("a");
  const added: string[] = [];
  let state = "queued";
  /** Ports' parts, as far as a queued request needs them. */
  const deps = {
    store: {
      request: async () => ({ ...record, state }),
      model: async () => null,
      statements: async () => [],
    },
    queue: {
      async add({ key }: { key: string }) {
        added.push(key);
        if (added.length === 1) throw new Error("the queue is down");
      },
    },
    ...{ log: collectedLog(), now: Date.now, waiting: new Map() },
    workload: { rules: { prices: { minFees: new Map() } } },
  } as unknown as PipelineDeps;
  const driver = createDriver(deps, { repeatMs: 20 });
  await driver.requeue(record.key);
  expect(added).toEqual([record.key]);
  await until("it to be added again after the failure", () => (added.length === 2 ? true : null));
  state = "computed";
  await driver.requeue(record.key);
  expect(added).toHaveLength(2);
  await driver.stop();
});

test("a request whose state could not be read after a look is looked at again", async () => {
  let looks = 0;
  const store = {
    async request() {
      looks += 1;
      if (looks === 2) throw new Error("the database is away");
      return null;
    },
  };
  const log = collectedLog();
  const deps = { store, log, now: Date.now, waiting: new Map() } as unknown as PipelineDeps;
  const driver = createDriver(deps, { repeatMs: 60_000 });
  driver.wake("key");
  await until("another look", () => (looks === 4 ? true : null));
  expect(log.lines.filter(({ level }) => level === "error")).toHaveLength(1);
  await driver.stop();
});

test("passed on, and looked at again: what others revealed, once saying our own part again was not enough", async () => {
  const repeatMs = 1_000;
  const time = { ms: 10 ** 13 };
  const record = { ...requestRecord("a"), state: "revealed" };
  const { key, requestId } = record;
  const about = (operatorId: number) => ({ requestId, operatorId, output: "0x", salt: "0x", commits: [] });
  const published: number[] = [];
  let looks = 0;
  const deps = {
    me: 1,
    store: {
      async request() {
        looks += 1;
        return record;
      },
      statements: async () => [{ message: { kind: "reveal", ...about(1) } }],
      peerMessages: async () => [1, 2, 3].map((id) => ({ message: { kind: "reveal", ...about(id) } })),
    },
    peers: {
      traffic: () => ({ published: published.length }),
      async publish({ operatorId }: { operatorId: number }) {
        published.push(operatorId);
      },
    },
    ...{ log: collectedLog(), now: () => time.ms, clock: { now: (ms: number) => ms }, waiting: new Map() },
  } as unknown as PipelineDeps;
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "setTimeout", "clearTimeout"] });
  try {
    const driver = createDriver(deps, { repeatMs });
    const turns = async () => {
      for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
    };
    const pass = async (ms: number) => {
      for (let elapsed = 0; elapsed < ms; elapsed += repeatMs / 2) {
        time.ms += repeatMs / 2;
        await vi.advanceTimersByTimeAsync(repeatMs / 2);
        await turns();
      }
    };
    driver.wake(key);
    await turns();
    await pass(repeatMs);
    expect(published).toEqual([1]);
    const before = looks;
    await pass(2 * repeatMs);
    expect(published).toEqual([1, 1, 2, 3]);
    // By the round of repeats, and by the stage and the driver, though nobody woke it.
    expect(looks - before).toBe(3);
    await driver.stop();
  } finally {
    vi.useRealTimers();
  }
});

test("repeats: each request has its turn, in one go, and all of them no more than is new", async () => {
  const repeatMs = 1_000;
  const keys = Array.from({ length: 200 }, (_, index) => `key-${index}`);
  // Past the deadline, so that the stage has nothing to do; the request is open all the same.
  const time = { ms: 10 ** 13 };
  let [published, together, most] = [0, 0, 0];
  const turns = new Map<string, number>();
  const deps = {
    store: {
      request: async (key: string) => ({ ...requestRecord("a"), key, state: "committed" }),
      statements: async (key: string) => [{ message: { kind: "commit", requestId: key, signature: key } }],
    },
    peers: {
      traffic: () => ({ published }),
      async publish({ requestId }: { requestId: string }) {
        together += 1;
        most = Math.max(most, together);
        await new Promise(setImmediate);
        together -= 1;
        published += 1;
        turns.set(requestId, (turns.get(requestId) ?? 0) + 1);
      },
    },
    ...{ log: collectedLog(), now: () => time.ms, clock: { now: (ms: number) => ms }, waiting: new Map() },
  } as unknown as PipelineDeps;
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "setTimeout", "clearTimeout"] });
  try {
    const driver = createDriver(deps, { repeatMs });
    for (const key of keys) driver.wake(key);
    const round = async () => {
      time.ms += repeatMs / 2;
      const before = published;
      await vi.advanceTimersByTimeAsync(repeatMs / 2);
      for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
      return published - before;
    };
    for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
    expect(await round()).toBe(0);
    // Nobody says anything new: 64 a second, all at the same time.
    expect(await round()).toBe(32);
    expect(most).toBe(32);
    expect(await round()).toBe(32);
    // 100 new messages, so as many repeats.
    published += 100;
    expect(await round()).toBe(100);
    expect(turns.size).toBe(164);
    expect(Math.max(...turns.values())).toBe(1);
    for (let rounds = 0; rounds < 3; rounds++) await round();
    expect(turns.size).toBe(200);
    await driver.stop();
  } finally {
    vi.useRealTimers();
  }
});
