import { expect } from "vitest";
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
