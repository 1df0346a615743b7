import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { PeerMessage } from "../../../coprocessor/core/messages.ts";
import { around } from "../../../coprocessor/observe/around.ts";
import { createCachedStore } from "../../../coprocessor/store/cachedStore.ts";
import type { Store } from "../../../coprocessor/store/port.ts";
import type { StoreUnderTest } from "./conformance.ts";
import { openEmbeddedStore } from "./embedded.ts";
import { attestation, commit, requestRecord } from "./fixtures.ts";

const KEYS = ["a", "b"].map((label) => requestRecord(label));
const RUNS = 60;
/** Messages that may be known and not stored. */
const MOST_UNSTORED = 2_048;

let subject: StoreUnderTest;
let lost: unknown[];
let opened: Store[] = [];
let letAllThrough = () => {};

beforeAll(async () => {
  subject = await openEmbeddedStore();
}, 60_000);
afterAll(() => subject.close());
beforeEach(async () => {
  await forget();
  lost = [];
});

const slotOf = (message: PeerMessage) =>
  `${message.kind} ${message.operatorId} ${"view" in message ? message.view : 0}`;
const firstOfSlots = (messages: readonly PeerMessage[]) =>
  messages.filter(
    (message, place) => messages.findIndex((other) => slotOf(other) === slotOf(message)) === place,
  );
/** Empties the database, once nobody has anything to store any more: transactions begin then. */
async function forget(): Promise<void> {
  letAllThrough();
  for (const store of opened) await store.transaction(async () => {});
  opened = [];
  await subject.clear();
}

function cached(inner: Store): Store {
  const store = createCachedStore(inner, { onLost: (_, error) => lost.push(error) });
  opened.push(store);
  return store;
}
const first = requestRecord("a");
const { key, requestId } = first;
const heard = (operatorId: number, label = "a") => [
  { message: commit(requestId, operatorId, label), receivedAt: operatorId },
];
const statement = (slot = "commit") => ({ key, slot, message: commit(requestId, 7), createdAt: 1 });
const stored = async () => (await subject.store.peerMessages(key)).map(({ message }) => message.operatorId);

/** Closed until `open` is called; `passed` by whoever waits for it. */
function gate(): { passed: Promise<void>; open(): void } {
  let open = () => {};
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { passed, open };
}

/** The database, whose writes of heard messages wait until they are let through. */
function heldBack(): { inner: Store; letThrough(): void } {
  const { passed, open: letThrough } = gate();
  letAllThrough = letThrough;
  const inner = around(subject.store, {
    async hear(about, messages) {
      await passed;
      return subject.store.hear(about, messages);
    },
  });
  return { inner, letThrough };
}

test("known at once: what was heard is read from memory before the database has it", async () => {
  const { inner, letThrough } = heldBack();
  const store = cached(inner);
  expect(await store.hear(key, heard(2))).toMatchObject([{ message: commit(requestId, 2) }]);
  expect(await store.hear(key, heard(2))).toEqual([null]);
  expect((await store.peerMessages(key)).map(({ message }) => message.operatorId)).toEqual([2]);
  expect(await stored()).toEqual([]);
  letThrough();
  await store.transaction(async () => {});
  expect(await stored()).toEqual([2]);
});

test("written in the end: what was heard and nothing else was written after", async () => {
  const store = cached(subject.store);
  await store.hear(key, heard(2));
  await expect.poll(stored, { timeout: 5_000 }).toEqual([2]);
});

test("a statement is stored no earlier than all that was heard before it", async () => {
  const store = cached(subject.store);
  for (let round = 1; round <= 20; round++) {
    for (const operatorId of [10, 11, 12]) await store.hear(key, heard(round * 100 + operatorId));
    await store.write({ key, statement: statement(`attestation/${round}`) });
    const before = await stored();
    for (const operatorId of [10, 11, 12]) expect(before).toContain(round * 100 + operatorId);
  }
  expect(lost).toEqual([]);
});

test("a statement waits for what was heard before it, also when that takes longer", async () => {
  const { inner, letThrough } = heldBack();
  const store = cached(inner);
  await store.hear(key, heard(2));
  let isSaid = false;
  const saying = store.write({ key, statement: statement() }).then(() => {
    isSaid = true;
  });
  // Meanwhile the statement itself has been stored.
  await expect.poll(async () => (await subject.store.statements(key)).length).toBe(1);
  expect(isSaid).toBe(false);
  letThrough();
  await saying;
  expect(await stored()).toContain(2);
});

test("a message that cannot be stored is forgotten, told of, and nothing that was to be said after it is", async () => {
  const failure = new Error("no space");
  const store = cached(
    around(subject.store, {
      async hear() {
        throw failure;
      },
    }),
  );
  await store.hear(key, heard(2));
  await expect(store.write({ key, statement: statement() })).rejects.toThrow(failure);
  expect(lost).toEqual([failure]);
  const known = (await store.peerMessages(key)).map(({ message }) => message.operatorId);
  expect(known).not.toContain(2);
  // The slot is taken, as after a crash: what stands there is said when it is tried again.
  expect((await store.write({ key, statement: statement() })).statement).toEqual(statement());
});

test.each(["read", "heard again"])(
  "told once, also when it is %s while a write stores it",
  async (meanwhile) => {
    const [written, told] = [gate(), gate()];
    const store = cached(
      around(subject.store, {
        async write(write) {
          if (meanwhile === "heard again") await told.passed;
          const result = await subject.store.write(write);
          written.open();
          await told.passed;
          return result;
        },
      }),
    );
    const writing = store.addPeerMessage(key, commit(requestId, 2), 1);
    if (meanwhile === "read") await written.passed;
    const again = await store.hear(key, heard(2));
    expect(again).toEqual(meanwhile === "read" ? [null] : [expect.objectContaining(heard(2)[0] ?? {})]);
    told.open();
    await writing;
    expect((await store.peerMessages(key)).map(({ message }) => message.operatorId)).toEqual([2]);
    expect(await store.peerMessages(key)).toEqual(await subject.store.peerMessages(key));
  },
);

test("a flood waits for the database, so that what is not stored yet stays bounded", async () => {
  const { inner, letThrough } = heldBack();
  const store = cached(inner);
  const flood = Array.from({ length: MOST_UNSTORED + 500 }, (_, place) => requestRecord(`flooded ${place}`));
  const known = new Set<string>();
  const hearing = flood.map(async (record) => {
    await store.hear(record.key, [{ message: commit(record.requestId, 2), receivedAt: 1 }]);
    known.add(record.key);
  });
  await expect.poll(() => known.size, { timeout: 10_000 }).toBe(MOST_UNSTORED);
  let isHeard = false;
  const one = store.hear(key, heard(3)).then(() => {
    isHeard = true;
  });
  // Reading takes its time; so whoever could go on would have.
  await subject.store.figures();
  expect([known.size, isHeard]).toEqual([MOST_UNSTORED, false]);
  letThrough();
  await Promise.all([...hearing, one]);
  expect(known.size).toBe(flood.length);
}, 60_000);

test("memory and database never differ, whatever is heard, said, taken back and in which order", async () => {
  const place = fc.nat({ max: KEYS.length - 1 });
  const operatorId = fc.integer({ min: 2, max: 4 });
  const step = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        type: fc.constant("hear" as const),
        place,
        operatorId,
        label: fc.constantFrom("x", "y", "z"),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        type: fc.constant("attested" as const),
        place,
        operatorId,
        view: fc.nat({ max: 1 }),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        type: fc.constant("say" as const),
        place,
        slot: fc.constantFrom("commit", "reveal"),
      }),
    },
    { weight: 1, arbitrary: fc.record({ type: fc.constant("rewind" as const) }) },
    { weight: 1, arbitrary: fc.record({ type: fc.constant("settle" as const) }) },
    { weight: 2, arbitrary: fc.record({ type: fc.constant("pause" as const) }) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(step, fc.boolean()), { maxLength: 24 }), async (steps) => {
      await forget();
      const store = cached(subject.store);
      for (const record of KEYS) await store.insertRequest(record);
      const running: Promise<unknown>[] = [];
      for (const [one, isAwaited] of steps) {
        const done = take(store, one);
        running.push(done);
        if (isAwaited) await done;
      }
      await Promise.all(running);
      const inMemory = await Promise.all(KEYS.map((record) => store.peerMessages(record.key)));
      const ahead = inMemory.map((list) => list.map(({ message }) => message));
      await store.transaction(async () => {});
      for (const [index, record] of KEYS.entries()) {
        const inDatabase = await subject.store.peerMessages(record.key);
        const messages = inDatabase.map(({ message }) => message);
        // A round stores who contradicts what stands in its slot behind all others.
        expect(firstOfSlots(ahead[index] ?? [])).toEqual(firstOfSlots(messages));
        expect(new Set(ahead[index])).toEqual(new Set(messages));
        expect(await store.peerMessages(record.key)).toEqual(inDatabase);
      }
      expect(lost).toEqual([]);
    }),
    { numRuns: RUNS },
  );

  type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;
  async function take(store: Store, one: Step): Promise<unknown> {
    if (one.type === "rewind") return store.rewind(9n);
    if (one.type === "settle") return store.transaction(async () => {});
    if (one.type === "pause") return new Promise(setImmediate);
    const about = KEYS[one.place] as (typeof KEYS)[number];
    if (one.type === "say")
      return store.write({
        key: about.key,
        statement: {
          key: about.key,
          slot: one.slot,
          message: commit(about.requestId, 7, one.slot),
          createdAt: 1,
        },
      });
    const message =
      one.type === "hear"
        ? commit(about.requestId, one.operatorId, one.label)
        : attestation(about.requestId, one.operatorId, one.view);
    return store.hear(about.key, [{ message, receivedAt: 1 }]);
  }
}, 120_000);
