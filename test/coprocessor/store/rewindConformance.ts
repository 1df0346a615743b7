import fc from "fast-check";
import { expect } from "vitest";
import type { RequestRecord, RequestState } from "../../../coprocessor/core/request.ts";
import type { Store } from "../../../coprocessor/store/port.ts";
import type { Fresh, StoreUnderTest } from "./conformance.ts";
import {
  address,
  attestation,
  block,
  commit,
  disputeRecord,
  hash,
  outboxEntry,
  proposedOutput,
  recordStatement,
  requestRecord,
} from "./fixtures.ts";

/** One thing that a block says. */
type Happening =
  | { type: "open"; request: number }
  | { type: "propose"; request: number }
  | { type: "challenge"; request: number }
  | { type: "decide"; request: number }
  | { type: "settle"; request: number; callbackFailed: boolean }
  | { type: "operator"; operator: number; endpoint: number }
  | { type: "seat"; operator: number; weight: number }
  | { type: "model"; uri: number }
  | { type: "mined"; entry: number };

const happening: fc.Arbitrary<Happening> = fc.oneof(
  fc.record({ type: fc.constant("open" as const), request: fc.nat(5) }),
  fc.record({ type: fc.constant("propose" as const), request: fc.nat(5) }),
  fc.record({ type: fc.constant("challenge" as const), request: fc.nat(5) }),
  fc.record({ type: fc.constant("decide" as const), request: fc.nat(5) }),
  fc.record({ type: fc.constant("settle" as const), request: fc.nat(5), callbackFailed: fc.boolean() }),
  fc.record({ type: fc.constant("operator" as const), operator: fc.nat(2), endpoint: fc.nat(9) }),
  fc.record({ type: fc.constant("seat" as const), operator: fc.nat(2), weight: fc.nat(3) }),
  fc.record({ type: fc.constant("model" as const), uri: fc.nat(9) }),
  fc.record({ type: fc.constant("mined" as const), entry: fc.nat(2) }),
);

const ENTRIES = 3;
const REQUESTS = 6;

async function apply(store: Store, number: bigint, happenings: readonly Happening[]): Promise<void> {
  await store.transaction(async (inner) => {
    for (const one of happenings) await applyOne(inner, number, one);
    await inner.addBlock(block(number));
  });
}

async function applyOne(store: Store, number: bigint, one: Happening): Promise<void> {
  switch (one.type) {
    case "open":
      await store.insertRequest(requestRecord(`${one.request}`, number));
      return;
    case "propose": {
      const { key } = requestRecord(`${one.request}`);
      const proposed = proposedOutput(`${one.request}`);
      await store.transition(key, ["waiting"], "proposed", { proposed, proposedBlock: number });
      return;
    }
    case "challenge": {
      const dispute = disputeRecord(`${one.request}`, number);
      const { key } = requestRecord(`${one.request}`);
      const patch = { challengedBlock: number, disputeId: dispute.requestId };
      if ((await store.transition(key, ["proposed"], "challenged", patch)) !== null) {
        await store.insertRequest(dispute);
      }
      return;
    }
    case "decide":
      await store.transition(disputeRecord(`${one.request}`).key, ["waiting"], "settled", {
        closedBlock: number,
        closedTransaction: hash(`closing ${number}`),
        verdict: "upheld",
      });
      return;
    case "settle":
      await store.transition(
        requestRecord(`${one.request}`).key,
        ["waiting", "proposed", "challenged"],
        "settled",
        {
          closedBlock: number,
          closedTransaction: hash(`closing ${number}`),
          settledOutput: "0x01",
          callbackFailed: one.callbackFailed,
        },
      );
      return;
    case "operator": {
      const owner = address(`owner ${one.operator}`);
      await store.putOperator(
        {
          operatorId: one.operator,
          owner,
          attester: address(`key ${one.operator}`),
          endpoint: `/${one.endpoint}`,
        },
        number,
      );
      return;
    }
    case "seat":
      await store.putEnrolment(
        {
          modelId: hash("model"),
          operatorId: one.operator,
          attester: address(`key ${one.operator}`),
          weight: BigInt(one.weight),
          activeFrom: Number(number),
        },
        number,
      );
      return;
    case "model":
      await store.putModel(
        { modelId: hash("model"), publisher: address("p"), manifestURI: `${one.uri}`, profile: 1n },
        number,
      );
      return;
    case "mined": {
      const id = `entry ${one.entry}`;
      const [entry] = await store.outboxFor(outboxEntry(id).key);
      if (entry === undefined) throw new Error(`${id} is missing`);
      const mined = {
        state: "mined" as const,
        minedTransaction: hash(id),
        minedBlock: number,
        succeeded: true,
      };
      await store.updateOutbox({ ...entry, ...mined }, "signed");
    }
  }
}

/** All that a store shows, without the times of changes. */
async function everything(store: Store): Promise<unknown> {
  const requests = await store.requests({});
  const outbox = await store.outbox({ states: ["planned", "signed", "mined", "abandoned"] });
  return {
    blocks: await store.blocks(),
    requests: requests.map(({ updatedAt: _, ...record }) => record),
    operators: await store.operators(),
    seats: await store.enrolments(hash("model")),
    seated: await Promise.all([1, 2, 3, 4].map((operatorId) => store.holdsSeat(operatorId))),
    model: await store.model(hash("model")),
    outbox: outbox.map(({ updatedAt: _, ...entry }) => entry),
  };
}

async function insertEntries(store: Store): Promise<void> {
  for (let index = 0; index < ENTRIES; index++) {
    await store.insertOutbox(outboxEntry(`entry ${index}`, { state: "signed", nonce: index }));
  }
}

export function rewindConformance(subject: () => StoreUnderTest, fresh: Fresh): void {
  fresh(
    "rewinding equals never having applied what is taken back, except for statements",
    async () => {
      const { store, clear } = subject();
      const history = fc.array(fc.array(happening, { maxLength: 4 }), { maxLength: 8 });
      await fc.assert(
        fc.asyncProperty(history, history, async (before, after) => {
          await clear();
          await insertEntries(store);
          const ancestor = BigInt(before.length);
          for (const [index, happenings] of before.entries())
            await apply(store, BigInt(index + 1), happenings);
          const expected = await everything(store);
          const openBefore = new Map((await store.requests({})).map((record) => [record.key, record.state]));

          for (const [index, happenings] of after.entries()) {
            await apply(store, ancestor + BigInt(index + 1), happenings);
          }
          const changed = (await store.requests({})).filter(
            (record) => openBefore.get(record.key) !== record.state,
          );
          // Something said meanwhile must stay.
          const spoken = [];
          for (let index = 0; index < REQUESTS; index++) {
            const { key, requestId } = requestRecord(`${index}`);
            const statement = { key, slot: "seen", message: commit(requestId, index), createdAt: index };
            spoken.push(await recordStatement(store, statement));
          }

          const rewound = await store.rewind(ancestor);
          expect(await everything(store)).toEqual(expected);
          expect([...rewound].sort()).toEqual(changed.map((record) => record.key).sort());
          for (const statement of spoken) expect(await store.statements(statement.key)).toEqual([statement]);
        }),
        { numRuns: 25, endOnFailure: true },
      );
    },
    120_000,
  );

  fresh("a closed request opens again where its statements left it", async () => {
    const { store } = subject();
    const cases: { slots: string[]; hasOutput: boolean; expected: RequestState }[] = [
      { slots: [], hasOutput: false, expected: "waiting" },
      { slots: [], hasOutput: true, expected: "computed" },
      { slots: ["commit"], hasOutput: true, expected: "committed" },
      { slots: ["reveal", "commit"], hasOutput: true, expected: "revealed" },
      { slots: ["commit", "reveal", "attestation/1"], hasOutput: true, expected: "attested" },
      { slots: ["commit", "reveal", "proposal/0"], hasOutput: true, expected: "attested" },
    ];
    for (const [index, { slots, hasOutput }] of cases.entries()) {
      const record = requestRecord(`${index}`, 10n);
      await store.insertRequest(record);
      const output = hasOutput ? { output: "0x0a" as const, outputHash: hash("o") } : {};
      await store.transition(record.key, ["waiting"], "queued", output);
      for (const slot of slots) {
        const message = attestation(record.requestId, 1);
        await recordStatement(store, { key: record.key, slot, message, createdAt: 1 });
      }
      const closed = {
        closedBlock: 12n,
        closedTransaction: hash("t"),
        settledOutput: "0x0b",
        reason: "r",
      } as const;
      await store.transition(record.key, ["queued"], index % 2 === 0 ? "settled" : "expired", closed);
    }
    const keys = cases.map((_, index) => requestRecord(`${index}`).key);
    expect(await store.rewind(12n)).toEqual([]);
    expect((await store.rewind(11n)).sort()).toEqual([...keys].sort());
    const reopened: (RequestRecord | null)[] = [];
    for (const key of keys) reopened.push(await store.request(key));
    expect(reopened.map((record) => record?.state)).toEqual(cases.map(({ expected }) => expected));
    for (const record of reopened) {
      expect(record).toMatchObject({
        closedBlock: null,
        closedTransaction: null,
        settledOutput: null,
        reason: null,
      });
    }
  });

  fresh(
    "a request that comes back after a reorg finds what we signed, and the output it was about",
    async () => {
      const { store } = subject();
      const record = requestRecord("a", 10n);
      await store.insertRequest(record);
      const computed = { output: "0x0a", outputHash: hash("o") } as const;
      await store.transition(record.key, ["waiting"], "computed", computed);
      const statement = {
        key: record.key,
        slot: "commit",
        message: commit(record.requestId, 1),
        createdAt: 1,
      };
      await recordStatement(store, statement);
      await store.addPeerMessage(record.key, commit(record.requestId, 2), 1);

      expect(await store.rewind(9n)).toEqual([record.key]);
      expect(await store.request(record.key)).toBeNull();
      expect(await store.requests({})).toEqual([]);
      expect(await store.transition(record.key, ["computed"], "expired")).toBeNull();
      expect(await store.peerMessages(record.key)).toEqual([]);
      expect(await store.rewind(9n)).toEqual([]);

      const again = requestRecord("a", 11n, " of the other branch");
      expect(await store.insertRequest(again)).toBe(true);
      expect(await store.request(record.key)).toEqual({ ...again, ...computed });
      const conflicting = { ...statement, message: commit(record.requestId, 1, "another answer") };
      expect(await recordStatement(store, conflicting)).toEqual(statement);
      expect(await store.insertRequest(again)).toBe(false);
    },
  );
}
