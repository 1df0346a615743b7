import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { OPEN_STATES } from "../../../coprocessor/core/request.ts";
import type { Store } from "../../../coprocessor/store/port.ts";
import { evidenceConformance } from "./evidenceConformance.ts";
import { address, attestation, block, commit, hash, recordStatement, requestRecord } from "./fixtures.ts";
import { hearConformance } from "./hearConformance.ts";
import { outboxConformance } from "./outboxConformance.ts";
import { receiptConformance } from "./receiptConformance.ts";
import { retentionConformance } from "./retentionConformance.ts";
import { rewindConformance } from "./rewindConformance.ts";
import { watchConformance } from "./watchConformance.ts";
import { writeConformance } from "./writeConformance.ts";

/** A store to be tested, whose tables are empty, and a way to empty them again. */
export interface StoreUnderTest {
  store: Store;
  clear(): Promise<void>;
  close(): Promise<void>;
}

/** A test that starts with empty tables. */
export type Fresh = (title: string, body: () => Promise<void>, timeoutMs?: number) => void;

/** What every implementation of the store port must do. */
export function storeConformance(
  name: string,
  open: () => Promise<StoreUnderTest>,
  skip: string | false,
): void {
  describe.skipIf(skip !== false)(`store on ${name}${skip === false ? "" : ` (skipped: ${skip})`}`, () => {
    let subject: StoreUnderTest;
    let store: Store;
    beforeAll(async () => {
      subject = await open();
      store = subject.store;
    }, 60_000);
    afterAll(() => subject?.close());
    const fresh = (title: string, body: () => Promise<void>, timeoutMs = 20_000) =>
      test(
        title,
        async () => {
          await subject.clear();
          await body();
        },
        timeoutMs,
      );

    fresh("a request comes back as it was stored, uint256 words and all", async () => {
      const record = requestRecord("a");
      expect(await store.insertRequest(record)).toBe(true);
      expect(await store.request(record.key)).toEqual(record);
      expect(await store.request(requestRecord("b").key)).toBeNull();
    });

    fresh("figures: rows that are not over, by state, and the database's bytes", async () => {
      expect((await store.figures()).requests).toEqual({});
      for (const label of ["a", "b", "c", "d"]) await store.insertRequest(requestRecord(label));
      await store.transition(requestRecord("d").key, ["waiting"], "settled", { closedBlock: 12n });
      await store.transition(requestRecord("c").key, ["waiting"], "parked", { reason: "x" });
      const figures = await store.figures();
      expect(figures.requests).toEqual({ waiting: 2, parked: 1 });
      expect(figures.bytes).toBeGreaterThan(100_000);
    });

    fresh("a memory begins once: a later beginning changes nothing", async () => {
      expect(await store.memory()).toBeNull();
      const began = { block: 7n, timestamp: 1_700_000_000 };
      expect(await store.beginMemory(began)).toEqual(began);
      expect(await store.beginMemory({ block: 9n, timestamp: 1_700_000_009 })).toEqual(began);
      expect(await store.memory()).toEqual(began);
    });

    fresh("a known request is left as it is", async () => {
      const record = requestRecord("a");
      await store.insertRequest(record);
      expect(await store.insertRequest({ ...record, state: "parked", input: "0x" })).toBe(false);
      expect(await store.request(record.key)).toEqual(record);
    });

    fresh(
      "requests that are stored together are known one by one; the result names the new ones",
      async () => {
        const known = requestRecord("known");
        await store.insertRequest(known);
        const records = Array.from({ length: 1_200 }, (_, index) => requestRecord(`${index}`, BigInt(index)));
        const given = [{ ...known, state: "parked" as const }, ...records];
        const inserted = await store.insertRequests(given);
        expect(new Set(inserted)).toEqual(new Set(records.map(({ key }) => key)));
        expect(await store.request(known.key)).toEqual(known);
        const [first, last] = [records[0], records.at(-1)];
        expect(await store.requests({ keys: [last?.key ?? "", first?.key ?? "", "nobody's"] })).toEqual([
          first,
          last,
        ]);
        expect(await store.requests({ keys: [] })).toEqual([]);
        expect(await store.insertRequests([])).toEqual([]);
      },
    );

    fresh("a transition of many changes those rows that are in one of its states", async () => {
      const [a, b, c] = [requestRecord("a"), requestRecord("b"), requestRecord("c")];
      await store.insertRequests([a, b, c]);
      await store.transition(b.key, ["waiting"], "parked", { reason: "model unknown" });
      const patch = { reason: "too late", closedBlock: 30n };
      const changed = await store.transitionAll([a.key, b.key, "nobody's"], ["waiting"], "expired", patch);
      expect(changed).toEqual([a.key]);
      expect(await store.request(a.key)).toMatchObject({ state: "expired", ...patch });
      expect(await store.request(b.key)).toMatchObject({ state: "parked", reason: "model unknown" });
      expect(await store.request(c.key)).toEqual(c);
      expect(await store.transitionAll([], ["waiting"], "expired")).toEqual([]);
    });

    fresh("requests are listed by state, by deadline or newest first, up to a limit", async () => {
      const [a, b, c] = [requestRecord("a", 30n), requestRecord("b", 10n), requestRecord("c", 20n)];
      for (const record of [a, b, c]) await store.insertRequest(record);
      await store.transition(c.key, ["waiting"], "parked", { reason: "model unknown" });
      const keys = async (filter: Parameters<Store["requests"]>[0]) =>
        (await store.requests(filter)).map((record) => record.key);
      expect(await keys({})).toEqual([b.key, c.key, a.key]);
      expect(await keys({ newestFirst: true })).toEqual([a.key, c.key, b.key]);
      expect(await keys({ states: OPEN_STATES })).toEqual([b.key, a.key]);
      expect(await keys({ states: OPEN_STATES, limit: 1 })).toEqual([b.key]);
      expect(await keys({ states: [] })).toEqual([]);
    });

    fresh("a transition happens only from the states it names, and patches only what it names", async () => {
      const record = requestRecord("a");
      await store.insertRequest(record);
      expect(await store.transition(record.key, ["queued"], "computed", { output: "0x01" })).toBeNull();
      expect((await store.request(record.key))?.output).toBeNull();
      const parked = await store.transition(record.key, ["waiting", "queued"], "parked", { reason: "why" });
      expect(parked).toMatchObject({ key: record.key, state: "parked", reason: "why" });
      expect(await store.request(record.key)).toEqual(parked);
      const stored = await store.request(record.key);
      expect(stored).toEqual({ ...record, state: "parked", reason: "why", updatedAt: stored?.updatedAt });
      expect(stored?.updatedAt).toBeGreaterThan(record.updatedAt);
      expect(await store.transition(requestRecord("b").key, ["waiting"], "queued")).toBeNull();
    });

    fresh("of many transitions from one state at the same time exactly one wins", async () => {
      const record = requestRecord("a");
      await store.insertRequest(record);
      const results = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          store.transition(record.key, ["waiting"], "queued", { reason: `winner ${index}` }),
        ),
      );
      expect(results.filter((row) => row !== null)).toHaveLength(1);
      expect((await store.request(record.key))?.reason).toBe(
        `winner ${results.findIndex((row) => row !== null)}`,
      );
    });

    fresh("a transaction counts whole or not at all, and nested ones join it", async () => {
      const [a, b] = [requestRecord("a"), requestRecord("b")];
      const failure = new Error("the work failed");
      const failed = store.transaction(async (outer) => {
        await outer.insertRequest(a);
        await outer.transaction(async (inner) => {
          await inner.insertRequest(b);
          expect(await outer.request(b.key)).not.toBeNull();
        });
        throw failure;
      });
      await expect(failed).rejects.toBe(failure);
      expect(await store.requests({})).toEqual([]);
      const key = await store.transaction(async (inner) => {
        await inner.insertRequest(a);
        return a.key;
      });
      expect(key).toBe(a.key);
      expect(await store.request(a.key)).toEqual(a);
    });

    fresh("transactions at the same time do not mix", async () => {
      const records = Array.from({ length: 8 }, (_, index) => requestRecord(`${index}`));
      const results = await Promise.allSettled(
        records.map((record, index) =>
          store.transaction(async (inner) => {
            await inner.insertRequest(record);
            await inner.addBlock(block(BigInt(index)));
            if (index % 2 === 1) throw new Error("undo");
          }),
        ),
      );
      expect(results.map((result) => result.status)).toEqual(
        records.map((_, index) => (index % 2 === 1 ? "rejected" : "fulfilled")),
      );
      expect((await store.blocks()).map((head) => head.number)).toEqual([0n, 2n, 4n, 6n]);
      expect(await store.requests({})).toHaveLength(4);
    });

    fresh("the store outside a transaction is refused inside it, instead of waiting for ever", async () => {
      const inside = store.transaction(() => store.requests({}));
      await expect(inside).rejects.toThrow("use the store that the transaction hands over");
      expect(await store.requests({})).toEqual([]);
    });

    fresh("a statement's slot is taken once: later ones get what stands there", async () => {
      const { key, requestId } = requestRecord("a");
      const first = { key, slot: "commit", message: commit(requestId, 1, "first"), createdAt: 5 };
      expect(await recordStatement(store, first)).toEqual(first);
      const second = { ...first, message: commit(requestId, 1, "second"), createdAt: 6 };
      expect(await recordStatement(store, second)).toEqual(first);
      const other = { key, slot: "attestation/0", message: attestation(requestId, 1), createdAt: 7 };
      await recordStatement(store, other);
      expect(await store.statements(key)).toEqual([first, other]);
      expect(await store.spokenAbout([key, "nobody's"])).toEqual([key]);
      expect(await store.spokenAbout([])).toEqual([]);
    });

    fresh("of statements for one slot at the same time one is stored, and all get that one", async () => {
      const { key, requestId } = requestRecord("a");
      const said = await Promise.all(
        Array.from({ length: 10 }, (_, index) =>
          recordStatement(store, {
            key,
            slot: "commit",
            message: commit(requestId, 1, `${index}`),
            createdAt: index,
          }),
        ),
      );
      const [stored] = await store.statements(key);
      expect(said).toEqual(said.map(() => stored));
      expect(await store.statements(key)).toHaveLength(1);
    });

    fresh("a peer's message is stored once, with a contradicting second one, and no third", async () => {
      const { key, requestId } = requestRecord("a");
      const first = commit(requestId, 2, "first");
      expect(await store.addPeerMessage(key, first, 100)).toMatchObject({ message: first, receivedAt: 100 });
      expect(await store.addPeerMessage(key, first, 101)).toBeNull();
      expect(await store.addPeerMessage(key, { ...first, signature: "0x99" }, 102)).toBeNull();
      const second = commit(requestId, 2, "second");
      expect(await store.addPeerMessage(key, second, 103)).not.toBeNull();
      expect(await store.addPeerMessage(key, commit(requestId, 2, "third"), 104)).toBeNull();
      const stored = await store.peerMessages(key);
      expect(stored.map(({ message, receivedAt }) => ({ message, receivedAt }))).toEqual([
        { message: first, receivedAt: 100 },
        { message: second, receivedAt: 103 },
      ]);
      expect(stored[1]?.seq).toBeGreaterThan(stored[0]?.seq ?? Number.NaN);
    });

    fresh("peers' messages are told apart by kind, operator and view", async () => {
      const { key, requestId } = requestRecord("a");
      const messages = [
        commit(requestId, 2),
        attestation(requestId, 2, 0),
        attestation(requestId, 2, 1),
        attestation(requestId, 3, 0),
      ];
      for (const message of messages) expect(await store.addPeerMessage(key, message, 1)).not.toBeNull();
      expect((await store.peerMessages(key)).map(({ message }) => message)).toEqual(messages);
      expect(await store.peerMessages(requestRecord("b").key)).toEqual([]);
    });

    fresh("a flood of different versions at the same time leaves two", async () => {
      const { key, requestId } = requestRecord("a");
      const isNew = await Promise.all(
        Array.from({ length: 12 }, (_, index) =>
          store.addPeerMessage(key, commit(requestId, 2, `${index}`), index),
        ),
      );
      expect(isNew.filter(Boolean)).toHaveLength(2);
      expect(await store.peerMessages(key)).toHaveLength(2);
    });

    fresh("the registry answers with its newest versions", async () => {
      const operator = {
        operatorId: 7,
        owner: address("owner"),
        attester: address("key 1"),
        endpoint: "/ip4/1",
      };
      await store.putOperator(operator, 10n);
      const rotated = { ...operator, attester: address("key 2") };
      await store.putOperator(rotated, 12n);
      expect(await store.operator(7)).toEqual(rotated);
      expect(await store.operator(8)).toBeNull();
      expect(await store.operators()).toEqual([rotated]);
      expect(await store.operatorByAttester(address("key 1"))).toBeNull();
      expect(
        await store.operatorByAttester(address("key 2").toUpperCase().replace("0X", "0x") as never),
      ).toEqual(rotated);
      const seat = {
        modelId: hash("m"),
        operatorId: 7,
        attester: address("key 1"),
        weight: 2n ** 96n,
        activeFrom: 9,
      };
      await store.putEnrolment(seat, 10n);
      await store.putEnrolment({ ...seat, operatorId: 3 }, 10n);
      expect((await store.enrolments(hash("m"))).map((one) => one.operatorId)).toEqual([3, 7]);
      expect(await store.holdsSeat(3)).toBe(true);
      await store.putEnrolment({ ...seat, operatorId: 3, weight: 0n }, 11n);
      expect(await store.enrolments(hash("m"))).toEqual([seat]);
      expect([await store.holdsSeat(3), await store.holdsSeat(7), await store.holdsSeat(8)]).toEqual([
        false,
        true,
        false,
      ]);
      await store.putEnrolment({ ...seat, modelId: hash("n"), operatorId: 3 }, 12n);
      expect(await store.holdsSeat(3)).toBe(true);
      const model = {
        modelId: hash("m"),
        publisher: address("p"),
        manifestURI: "file:a",
        profile: 2n ** 255n,
      };
      await store.putModel(model, 10n);
      await store.putModel({ ...model, manifestURI: "file:b" }, 10n);
      expect(await store.model(hash("m"))).toEqual({ ...model, manifestURI: "file:b" });
      expect(await store.model(hash("n"))).toBeNull();
    });

    fresh("pruning keeps the newest final head and the registry's values", async () => {
      for (const number of [1n, 2n, 5n, 8n]) await store.addBlock(block(number));
      const operator = { operatorId: 7, owner: address("owner"), attester: address("key"), endpoint: "a" };
      for (const number of [1n, 3n, 8n])
        await store.putOperator({ ...operator, endpoint: `at ${number}` }, number);
      await store.prune(6n);
      expect((await store.blocks()).map((head) => head.number)).toEqual([5n, 8n]);
      expect((await store.operator(7))?.endpoint).toBe("at 8");
      await store.rewind(6n);
      expect((await store.operator(7))?.endpoint).toBe("at 3");
    });

    writeConformance(() => subject, fresh);
    hearConformance(() => subject, fresh);
    outboxConformance(() => subject, fresh);
    rewindConformance(() => subject, fresh);
    receiptConformance(() => subject, fresh);
    evidenceConformance(() => subject, fresh);
    watchConformance(() => subject, fresh);
    retentionConformance(() => subject, fresh);
  });
}
