import { expect } from "vitest";
import type { RequestRecord, RequestState } from "../../../coprocessor/core/request.ts";
import type { Fresh, StoreUnderTest } from "./conformance.ts";
import {
  address,
  block,
  commit,
  hash,
  outboxEntry,
  receipt,
  recordStatement,
  requestRecord,
} from "./fixtures.ts";

/** What every store must do when it is told to forget. */
export function retentionConformance(subject: () => StoreUnderTest, fresh: Fresh): void {
  /** A request with all that can belong to one. */
  async function lived(label: string, state: RequestState, patch = {}): Promise<RequestRecord> {
    const { store } = subject();
    const record = requestRecord(label);
    await store.insertRequest(record);
    const { key, requestId } = record;
    const statement = { key, slot: "commit", message: commit(requestId, 7), createdAt: 1 };
    await recordStatement(store, statement);
    await store.addPeerMessage(key, commit(requestId, 2), 1);
    await store.putReceipt(key, receipt(label));
    const entry = outboxEntry(`settle/${label}`, { key, state: "mined", nonce: Number.parseInt(label, 36) });
    await store.insertOutbox(entry);
    await store.transition(key, ["waiting"], state, { closedBlock: 12n, ...patch });
    return record;
  }
  const old = (record: RequestRecord) => ({ before: record.deadline + 1, limit: 10 });

  fresh("forgotten: a request that is over, final and old, with all that belongs to it", async () => {
    const { store } = subject();
    const record = await lived("a", "settled");
    await lived("b", "expired");
    await store.addBlock(block(12n));
    expect(await store.forgetClosed({ before: record.deadline, limit: 10 })).toBe(0);
    expect(await store.forgetClosed({ ...old(record), limit: 1 })).toBe(1);
    expect(await store.forgetClosed(old(record))).toBe(1);
    const { key } = record;
    expect(await store.request(key)).toBeNull();
    expect(await store.statements(key)).toEqual([]);
    expect(await store.peerMessages(key)).toEqual([]);
    expect(await store.receipt(key)).toBeNull();
    expect(await store.outboxFor(key)).toEqual([]);
    // The highest nonce stays, so that no server that lags has it given out again.
    expect(await store.nextNonce(0)).toBe(12);
    expect(await store.forgetClosed(old(record))).toBe(0);
  });

  fresh("kept: what is open, what a reorg could reopen, what is owed, and evidence", async () => {
    const { store } = subject();
    const open = await lived("a", "attested");
    const unfinal = await lived("b", "settled", { closedBlock: 13n });
    const owed = await lived("c", "parked", { closedBlock: null });
    await store.insertOutbox(outboxEntry("owed", { key: owed.key }));
    const contradicted = await lived("d", "settled");
    await store.addPeerMessage(contradicted.key, commit(contradicted.requestId, 2, "another"), 2);
    expect(await store.forgetClosed(old(open))).toBe(0);
    await store.addBlock(block(12n));
    await store.addBlock(block(14n));
    expect(await store.forgetClosed(old(open))).toBe(0);
    for (const { key } of [open, unfinal, owed, contradicted])
      expect(await store.statements(key)).toHaveLength(1);
    await store.prune(14n);
    expect(await store.forgetClosed(old(open))).toBe(1);
    expect(await store.request(unfinal.key)).toBeNull();
  });

  fresh("forgotten: what a reorg took away for good", async () => {
    const { store } = subject();
    const record = await lived("a", "attested", { closedBlock: null, output: "0x01", outputHash: hash("1") });
    await store.rewind(9n);
    await store.addBlock(block(12n));
    expect(await store.forgetClosed(old(record))).toBe(1);
    expect(await store.statements(record.key)).toEqual([]);
  });

  fresh(
    "the chain forgotten: what was signed, heard, run and sent stays, and the request comes back",
    async () => {
      const { store } = subject();
      const patch = { output: "0x01", outputHash: hash("1"), closedBlock: null } as const;
      const record = await lived("a", "attested", patch);
      const unsaid = requestRecord("b");
      await store.insertRequest(unsaid);
      await store.addBlock(block(12n));
      await store.putOperator(
        { operatorId: 7, owner: address("o"), attester: address("k"), endpoint: "" },
        1n,
      );
      expect(await store.forgetChain()).toEqual({ requests: 2, blocks: 1 });
      expect(await store.requests({})).toEqual([]);
      expect(await store.blocks()).toEqual([]);
      expect(await store.operator(7)).toBeNull();
      expect(await store.statements(record.key)).toHaveLength(1);
      expect(await store.peerMessages(record.key)).toHaveLength(2);
      expect(await store.outboxFor(record.key)).toMatchObject([{ state: "mined" }]);
      expect(await store.insertRequest(requestRecord("a"))).toBe(true);
      expect(await store.request(record.key)).toMatchObject({ state: "waiting", output: "0x01" });
    },
  );

  fresh("written to: a store that could be says so", async () => {
    await subject().store.check();
  });
}
