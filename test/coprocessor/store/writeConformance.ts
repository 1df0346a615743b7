import { expect } from "vitest";
import type { RequestWrite } from "../../../coprocessor/store/port.ts";
import type { Fresh, StoreUnderTest } from "./conformance.ts";
import { attestation, commit, proposedOutput, receipt, requestRecord } from "./fixtures.ts";

/** What every store must do with writes, which it may put together with others that come at the same time. */
export function writeConformance(subject: () => StoreUnderTest, fresh: Fresh): void {
  const [a, b, c] = [requestRecord("a"), requestRecord("b"), requestRecord("c")];
  const statement = (record: typeof a, label: string) => ({
    key: record.key,
    slot: "commit",
    message: commit(record.requestId, 1, label),
    createdAt: 5,
  });
  const writeAll = (writes: readonly RequestWrite[]) =>
    Promise.all(writes.map((write) => subject().store.write(write)));

  fresh("a write with nothing in it answers with nothing", async () => {
    expect(await subject().store.write({ key: a.key })).toEqual({ statement: null, heard: [], record: null });
  });

  fresh(
    "a statement whose slot is taken is answered with what stands there, alone or beside others",
    async () => {
      const { store } = subject();
      const [first, second, other] = [statement(a, "first"), statement(a, "second"), statement(b, "other")];
      const [one, two, three] = await writeAll([
        { key: a.key, statement: first },
        { key: a.key, statement: second },
        { key: b.key, statement: other },
      ]);
      expect([one?.statement, two?.statement, three?.statement]).toEqual([first, first, other]);
      const later = await store.write({ key: a.key, statement: statement(a, "later") });
      expect(later.statement).toEqual(first);
      expect(await store.statements(a.key)).toEqual([first]);
      expect(await store.statements(b.key)).toEqual([other]);
    },
  );

  fresh(
    "what stands in a statement's slot is heard before the rest, in their order, and repeats as null",
    async () => {
      const { store } = subject();
      const ours = statement(a, "ours");
      const [theirs, contradiction] = [commit(a.requestId, 2, "theirs"), commit(a.requestId, 2, "other")];
      const third = attestation(a.requestId, 3);
      const heard = [theirs, third, theirs, contradiction].map((message, index) => ({
        message,
        receivedAt: 10 + index,
      }));
      const written = await store.write({ key: a.key, statement: ours, heard });
      expect(written.heard.map((one) => one && [one.message, one.receivedAt])).toEqual([
        [ours.message, ours.createdAt],
        [theirs, 10],
        [third, 11],
        null,
        [contradiction, 13],
      ]);
      const stored = written.heard.filter((one) => one !== null);
      expect(await store.peerMessages(a.key)).toEqual([...stored].sort((x, y) => x.seq - y.seq));
      const again = await store.write({ key: a.key, statement: statement(a, "later"), heard });
      expect(again).toEqual({ statement: ours, heard: [null, null, null, null, null], record: null });
    },
  );

  fresh("a receipt that comes with a move is stored only if the row moved", async () => {
    const { store } = subject();
    await store.insertRequests([a, b]);
    const move = { from: ["waiting"], to: "computed", patch: { output: "0x01" } } as const;
    const [moved, missed] = await writeAll([
      { key: a.key, move, receipt: receipt("a") },
      { key: b.key, move: { ...move, from: ["queued"] }, receipt: receipt("b") },
    ]);
    expect(moved?.record).toEqual(await store.request(a.key));
    expect(moved?.record).toMatchObject({ state: "computed", output: "0x01" });
    expect(await store.receipt(a.key)).toEqual(receipt("a"));
    expect(missed?.record).toBeNull();
    expect(await store.request(b.key)).toEqual(b);
    expect(await store.receipt(b.key)).toBeNull();
    await store.write({ key: c.key, receipt: receipt("c") });
    expect(await store.receipt(c.key)).toEqual(receipt("c"));
  });

  fresh(
    "moves of one row at the same time happen one after the other, each with its own receipt",
    async () => {
      const { store } = subject();
      await store.insertRequest(a);
      const moves = [
        { from: ["waiting"], to: "queued", patch: { reason: "first" } },
        { from: ["queued"], to: "computed", patch: { output: "0x01" } },
        { from: ["waiting"], to: "parked", patch: { reason: "too late" } },
      ] as const;
      const written = await writeAll(
        moves.map((move, index) => ({ key: a.key, move, receipt: receipt("a", { runMs: index }) })),
      );
      expect(written.map(({ record }) => record?.state ?? null)).toEqual(["queued", "computed", null]);
      expect(await store.request(a.key)).toMatchObject({
        state: "computed",
        reason: "first",
        output: "0x01",
      });
      expect(await store.receipt(a.key)).toMatchObject({ runMs: 1 });
    },
  );

  fresh(
    "moves to one state keep their own conditions and patches, whatever is moved beside them",
    async () => {
      const { store } = subject();
      await store.insertRequests([a, b, c]);
      const proposed = proposedOutput("b");
      const written = await writeAll([
        { key: a.key, move: { from: ["waiting", "proposed"], to: "parked" } },
        { key: b.key, move: { from: ["waiting"], to: "parked", patch: { proposed, proposedBlock: 12n } } },
        { key: c.key, move: { from: ["proposed"], to: "parked", patch: { proposed: proposedOutput("c") } } },
      ]);
      const [movedA, movedB, movedC] = written.map(({ record }) => record);
      expect(movedA).toMatchObject({ state: "parked", proposed: null, proposedBlock: null });
      expect(movedB).toMatchObject({ state: "parked", proposed, proposedBlock: 12n });
      expect(movedC).toBeNull();
      expect(await store.request(a.key)).toEqual(movedA);
      expect(await store.request(b.key)).toEqual(movedB);
      expect(await store.request(c.key)).toEqual(c);
      const taken = await store.write({
        key: b.key,
        move: { from: ["parked"], to: "waiting", patch: { proposed: null } },
      });
      expect(taken.record).toMatchObject({ state: "waiting", proposed: null, proposedBlock: 12n });
    },
  );

  fresh("one that the database refuses holds up nobody, and leaves nothing of itself", async () => {
    const { store } = subject();
    await store.insertRequests([a, b, c]);
    const computed = (output: string) =>
      ({ from: ["waiting"], to: "computed", patch: { output: output as `0x${string}` } }) as const;
    const results = await Promise.allSettled([
      store.write({ key: a.key, statement: statement(a, "a"), move: computed("0x0a") }),
      // No text in Postgres holds a zero character.
      store.write({
        key: b.key,
        statement: statement(b, "b"),
        move: computed("0x\0"),
        receipt: receipt("b"),
      }),
      store.write({ key: c.key, statement: statement(c, "c"), move: computed("0x0c") }),
    ]);
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect((results[1] as PromiseRejectedResult).reason).toMatchObject({ code: "store/rejected" });
    expect(await store.request(a.key)).toMatchObject({ state: "computed", output: "0x0a" });
    expect(await store.request(c.key)).toMatchObject({ state: "computed", output: "0x0c" });
    expect(await store.request(b.key)).toEqual(b);
    expect(await store.statements(b.key)).toEqual([]);
    expect(await store.peerMessages(b.key)).toEqual([]);
    expect(await store.receipt(b.key)).toBeNull();
    expect(await store.statements(c.key)).toEqual([statement(c, "c")]);
  });
}
