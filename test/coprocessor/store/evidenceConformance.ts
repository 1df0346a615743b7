import { expect } from "vitest";
import {
  type EvidenceProof,
  evidenceId,
  MAX_EVIDENCE_PER_OPERATOR,
  OFFENCES,
  type Offence,
} from "../../../coprocessor/core/evidence.ts";
import type { DemandRecord } from "../../../coprocessor/core/opening.ts";
import type { Fresh, StoreUnderTest } from "./conformance.ts";
import { address, attestation, CHAIN_ID, hash, ORACLE, requestRecord } from "./fixtures.ts";

export function proof(label: string, operatorId: number, offence: Offence, foundAt = 1_000): EvidenceProof {
  const { key, requestId } = requestRecord(label);
  return {
    schema: "sibyl/evidence@1",
    id: evidenceId(key, operatorId, offence),
    kind: OFFENCES[offence],
    offence,
    fact: `${label} ${offence}`,
    chainId: CHAIN_ID,
    oracle: ORACLE,
    requestId,
    request: {
      modelId: hash("m"),
      inputHash: hash("i"),
      terms: (2n ** 256n - 1n).toString(),
      opening: "0",
      funds: "7",
    },
    profile: "3",
    operatorId,
    statements: [attestation(requestId, operatorId), attestation(requestId, operatorId, 0, "b")],
    outputs: ["0x1234"],
    ours: null,
    foundAt,
  };
}

const demand = (label: string, patch: Partial<DemandRecord> = {}): DemandRecord => ({
  demandId: hash(`demand ${label}`),
  court: address("court"),
  demand: {
    oracle: ORACLE,
    requestId: requestRecord(label).requestId,
    modelId: hash("model"),
    operatorId: 2,
    commitment: hash("commitment"),
    attestedHash: hash("attested"),
  },
  demander: address("demander"),
  deadline: 5_000,
  state: "pending",
  demandedBlock: 10n,
  demandedTransaction: hash("t"),
  closedBlock: null,
  amountWei: null,
  rewardWei: null,
  output: null,
  parkedReason: null,
  ...patch,
});

/** What every store must do with evidence and demands. */
export function evidenceConformance(subject: () => StoreUnderTest, fresh: Fresh): void {
  const add = (one: EvidenceProof) => subject().store.evidence.add(requestRecord("a").key, one);

  fresh("evidence comes back as it was kept, once for each fault", async () => {
    const { evidence } = subject().store;
    const kept = proof("a", 2, "two-outputs");
    expect(await evidence.find(kept.id)).toBeNull();
    expect(await add(kept)).toBe(true);
    expect(await add({ ...kept, fact: "found again" })).toBe(false);
    expect(await evidence.find(kept.id)).toEqual(kept);
  });

  fresh("evidence is listed latest first, without the bytes, by operator, kind and offence", async () => {
    const { evidence } = subject().store;
    await add(proof("a", 2, "two-outputs", 1));
    await add(proof("a", 3, "unopened", 2));
    await add(proof("a", 2, "revealed-otherwise", 3));
    const { statements, outputs, ours, request, ...summary } = proof("a", 2, "revealed-otherwise", 3);
    const all = await evidence.list({ limit: 10 });
    expect(all[0]).toEqual(summary);
    expect(all.map(({ foundAt }) => foundAt)).toEqual([3, 2, 1]);
    const found = async (filter: Omit<Parameters<typeof evidence.list>[0], "limit">) =>
      (await evidence.list({ ...filter, limit: 10 })).map(({ foundAt }) => foundAt);
    expect(await found({ operatorId: 2 })).toEqual([3, 1]);
    expect(await found({ kind: "broken-commitment" })).toEqual([2]);
    expect(await found({ offences: ["two-outputs", "unopened"] })).toEqual([2, 1]);
    expect(await evidence.list({ limit: 1 })).toHaveLength(1);
  });

  fresh(
    "a flood about one operator makes room by its oldest disagreements, never by what a contract judges",
    async () => {
      const { evidence } = subject().store;
      const judged = proof("first", 2, "two-outputs", 0);
      await add(judged);
      await add(proof("other", 3, "revealed-otherwise", 0));
      for (let index = 0; index < MAX_EVIDENCE_PER_OPERATOR + 3; index++)
        await add(proof(`flood ${index}`, 2, "revealed-otherwise", index + 1));
      const held = await evidence.list({ operatorId: 2, limit: 1_000 });
      expect(held).toHaveLength(MAX_EVIDENCE_PER_OPERATOR);
      expect(held.at(-1)).toMatchObject({ id: judged.id });
      expect(held.at(-2)?.foundAt).toBe(5);
      expect(await evidence.list({ operatorId: 3, limit: 10 })).toHaveLength(1);
    },
  );

  fresh(
    "reportable: the first proof against each operator, until a slash says that nothing is left",
    async () => {
      const { evidence, rewind } = subject().store;
      await add(proof("a", 2, "two-outputs", 5));
      await add(proof("b", 2, "two-outputs-across-views", 4));
      await add(proof("a", 3, "two-commitments", 1));
      await add(proof("a", 4, "two-outputs", 1));
      const reportable = async () =>
        (await evidence.reportable()).map(({ operatorId, foundAt }) => [operatorId, foundAt]);
      expect(await reportable()).toEqual([
        [2, 4],
        [4, 1],
      ]);
      const slash = {
        operatorId: 2,
        requestId: hash("r"),
        reporter: address("r"),
        amountWei: 2n ** 100n,
        rewardWei: 1n,
        transaction: hash("t"),
      };
      await evidence.putSlash(slash, 12n);
      expect(await evidence.slash(2)).toEqual(slash);
      expect(await reportable()).toEqual([[4, 1]]);
      await rewind.call(subject().store, 11n);
      expect(await evidence.slash(2)).toBeNull();
      expect((await reportable())[0]).toEqual([2, 4]);
    },
  );

  fresh("a demand is closed once, reopened by a reorg, and keeps our notes", async () => {
    const { store } = subject();
    const { evidence } = store;
    const one = demand("a");
    await evidence.putDemand(one);
    expect(await evidence.demand(one.demandId)).toEqual(one);
    await evidence.noteDemand(one.demandId, { output: "0x07", parkedReason: "why" });
    await evidence.putDemand({ ...one, deadline: 6_000 });
    expect(await evidence.demand(one.demandId)).toMatchObject({
      deadline: 6_000,
      output: "0x07",
      parkedReason: "why",
    });
    const closing = { state: "missed", closedBlock: 20n, amountWei: 9n, rewardWei: 1n } as const;
    expect(await evidence.closeDemand(hash("unknown"), closing)).toBe(false);
    expect(await evidence.closeDemand(one.demandId, closing)).toBe(true);
    expect(await evidence.demands({ states: ["pending"], limit: 10 })).toEqual([]);
    expect(await evidence.demands({ states: ["missed"], limit: 10 })).toMatchObject([closing]);
    await store.rewind(19n);
    expect(await evidence.demand(one.demandId)).toMatchObject({
      state: "pending",
      closedBlock: null,
      amountWei: null,
    });
    await store.rewind(9n);
    expect(await evidence.demand(one.demandId)).toBeNull();
  });

  fresh("evidence stays whatever the chain does, and goes with a failed transaction", async () => {
    const { store } = subject();
    await store.insertRequest(requestRecord("a", 10n));
    await add(proof("a", 2, "two-outputs"));
    await store.rewind(1n);
    expect(await store.evidence.list({ limit: 10 })).toHaveLength(1);
    const failed = store.transaction(async (inside) => {
      await inside.evidence.add(requestRecord("b").key, proof("b", 2, "unopened"));
      throw new Error("undone");
    });
    await expect(failed).rejects.toThrow("undone");
    expect(await store.evidence.list({ limit: 10 })).toHaveLength(1);
  });
}
