import { expect } from "vitest";
import type { OutboxEntry } from "../../../coprocessor/core/outbox.ts";
import type { Fresh, StoreUnderTest } from "./conformance.ts";
import { hash, outboxEntry } from "./fixtures.ts";

/** What every store must do with transactions that are owed. */
export function outboxConformance(subject: () => StoreUnderTest, fresh: Fresh): void {
  fresh(
    "an outbox entry comes back as it was stored, and is written back only from the state it was in",
    async () => {
      const { store } = subject();
      const entry = outboxEntry("a", { value: 2n ** 200n });
      expect(await store.insertOutbox(entry)).toBe(true);
      expect(await store.insertOutbox({ ...entry, gas: 1n })).toBe(false);
      const attempt = {
        hash: hash("t"),
        raw: "0x02" as const,
        maxFeePerGas: 2n ** 80n,
        maxPriorityFeePerGas: 1n,
        signedAt: 3,
        sentAt: 4,
      };
      const signed = { ...entry, state: "signed" as const, nonce: 4, attempts: [attempt], updatedAt: 2 };
      expect(await store.updateOutbox(signed, "planned")).toBe(true);
      expect(await store.updateOutbox({ ...signed, nonce: 5 }, "planned")).toBe(false);
      expect(await store.outboxFor(entry.key)).toEqual([signed]);
      expect(await store.outbox({ states: ["signed"] })).toEqual([signed]);
      expect(await store.outbox({ states: ["planned", "mined"] })).toEqual([]);
    },
  );

  fresh(
    "entries written back together: each only from the state it was in, and nothing else of them",
    async () => {
      const { store } = subject();
      const planned = ["a", "b", "c"].map((label) => outboxEntry(label, { value: 7n }));
      for (const entry of planned) await store.insertOutbox(entry);
      const [a, b, c] = planned as [OutboxEntry, OutboxEntry, OutboxEntry];
      const abandoned = { ...b, state: "abandoned" as const, reason: "no longer" };
      expect(await store.updateOutbox(abandoned, "planned")).toBe(true);

      const mined = {
        ...{ state: "mined" as const, minedTransaction: hash("t"), minedBlock: 2n ** 62n, succeeded: false },
        ...{ gas: 2n ** 255n, maxFeePerGasCap: 3n, reason: 'it said "no"', updatedAt: 9 },
      };
      const changed = planned.map((entry) => ({ ...entry, ...mined }));
      const [unknown] = [outboxEntry("d", mined)];
      const written = await store.updateOutboxAll([...changed, unknown as OutboxEntry], "planned");
      expect(written).toEqual([true, false, true, false]);
      expect(await store.outboxFor(a.key)).toEqual([{ ...a, ...mined }]);
      expect(await store.outboxFor(b.key)).toEqual([abandoned]);
      expect(await store.outbox({ states: ["mined"] })).toEqual([
        { ...a, ...mined },
        { ...c, ...mined },
      ]);
      expect(await store.outboxFor(outboxEntry("d").key)).toEqual([]);

      // Back again, as after a reorg: what had a value has none.
      expect(await store.updateOutboxAll([a, c], "mined")).toEqual([true, true]);
      expect(await store.outbox({ states: ["planned"] })).toEqual([a, c]);
      expect(await store.updateOutboxAll([], "planned")).toEqual([]);
    },
  );

  fresh("what an entry is about stays as it was planned, whatever is written back", async () => {
    const { store } = subject();
    const entry = outboxEntry("a", { value: 7n });
    await store.insertOutbox(entry);
    const other = { ...outboxEntry("b"), id: entry.id, data: "0xff" as const, value: 8n, createdAt: 99 };
    await store.updateOutbox({ ...other, state: "signed", nonce: 1, updatedAt: 5 }, "planned");
    const stored = await store.transaction((inner) => inner.outboxFor(entry.key));
    expect(stored).toEqual([{ ...entry, state: "signed", nonce: 1, updatedAt: 5 }]);
  });

  fresh(
    "entries written back together under one nonce: none is, because one nonce is one transaction's",
    async () => {
      const { store } = subject();
      const entries = ["a", "b"].map((label) => outboxEntry(label));
      for (const entry of entries) await store.insertOutbox(entry);
      const same = entries.map((entry) => ({ ...entry, state: "signed" as const, nonce: 4 }));
      await expect(store.updateOutboxAll(same, "planned")).rejects.toMatchObject({ code: "store/rejected" });
      expect(await store.outbox({ states: ["planned", "signed"] })).toEqual(entries);
    },
  );

  fresh(
    "a nonce is never given twice: the next one is above every entry's, and at least the floor",
    async () => {
      const { store } = subject();
      expect(await store.nextNonce(3)).toBe(3);
      await store.insertOutbox(outboxEntry("a", { nonce: 7, state: "mined" }));
      expect(await store.nextNonce(3)).toBe(8);
      expect(await store.nextNonce(20)).toBe(20);
      const again = store.insertOutbox(outboxEntry("b", { nonce: 7, state: "signed" }));
      await expect(again).rejects.toMatchObject({ code: "store/rejected", retry: "never" });
    },
  );

  fresh("nonces taken in transactions at the same time are all different", async () => {
    const { store } = subject();
    const ids = Array.from({ length: 10 }, (_, index) => `entry ${index}`);
    for (const id of ids) await store.insertOutbox(outboxEntry(id));
    const nonces = await Promise.all(
      ids.map((id) =>
        store.transaction(async (inner) => {
          const nonce = await inner.nextNonce(5);
          await inner.updateOutbox(outboxEntry(id, { state: "signed", nonce }), "planned");
          return nonce;
        }),
      ),
    );
    expect([...nonces].sort((a, b) => a - b)).toEqual(ids.map((_, index) => 5 + index));
  });
}
