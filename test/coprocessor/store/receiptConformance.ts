import { expect } from "vitest";
import type { Fresh, StoreUnderTest } from "./conformance.ts";
import { receipt, requestRecord } from "./fixtures.ts";

/** What every store must do with receipts. */
export function receiptConformance(subject: () => StoreUnderTest, fresh: Fresh): void {
  fresh(
    "a receipt comes back as it was stored, and the later one of a job that ran twice counts",
    async () => {
      const { store } = subject();
      const { key } = requestRecord("a");
      expect(await store.receipt(key)).toBeNull();
      await store.putReceipt(key, receipt("a"));
      expect(await store.receipt(key)).toEqual(receipt("a"));
      const again = receipt("a", { runMs: 3, computedAt: receipt("a").computedAt + 5 });
      await store.putReceipt(key, again);
      expect(await store.receipt(key)).toEqual(again);
      expect(await store.receipts(10)).toHaveLength(1);
    },
  );

  fresh("receipts are listed latest first, without the bytes, up to a limit", async () => {
    const { store } = subject();
    for (const [index, label] of ["a", "b", "c"].entries()) {
      const one = receipt(label, { computedAt: 1_700_000_000_000 + index, input: `0x0${index}` });
      await store.putReceipt(requestRecord(label).key, one);
    }
    const { input: _, output: __, ...summary } = receipt("c", { computedAt: 1_700_000_000_002 });
    const listed = await store.receipts(2);
    expect(listed[0]).toEqual(summary);
    expect(listed.map(({ requestId }) => requestId)).toEqual([
      receipt("c").requestId,
      receipt("b").requestId,
    ]);
  });

  fresh(
    "a receipt stays when a reorg takes its request away, and goes with a failed transaction",
    async () => {
      const { store } = subject();
      const record = requestRecord("a", 10n);
      await store.insertRequest(record);
      await store.putReceipt(record.key, receipt("a"));
      await store.rewind(9n);
      expect(await store.request(record.key)).toBeNull();
      expect(await store.receipt(record.key)).toEqual(receipt("a"));
      const failed = store.transaction(async (inner) => {
        await inner.putReceipt(requestRecord("b").key, receipt("b"));
        throw new Error("undo");
      });
      await expect(failed).rejects.toThrow("undo");
      expect(await store.receipt(requestRecord("b").key)).toBeNull();
    },
  );
}
