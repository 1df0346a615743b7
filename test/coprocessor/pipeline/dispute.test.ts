import { type Dispute, disputeId, packProfile, packRequest, unpackRequest } from "@sibyl/sdk";
import { keccak256 } from "viem";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { ChainEvent } from "../../../coprocessor/chain/port.ts";
import type { Arbiter } from "../../../coprocessor/core/dispute.ts";
import { type ProposedOutput, type RequestRecord, requestKey } from "../../../coprocessor/core/request.ts";
import type { PipelineDeps } from "../../../coprocessor/pipeline/deps.ts";
import { examineClosed } from "../../../coprocessor/pipeline/examineClosed.ts";
import { explain } from "../../../coprocessor/pipeline/explain.ts";
import { isNeeded } from "../../../coprocessor/pipeline/isNeeded.ts";
import { lapseWhenDue } from "../../../coprocessor/pipeline/lapse.ts";
import { onChallenged } from "../../../coprocessor/pipeline/onChallenged.ts";
import { onClosed } from "../../../coprocessor/pipeline/onClosed.ts";
import { onProposed } from "../../../coprocessor/pipeline/onProposed.ts";
import { collectedLog } from "../collectedLog.ts";
import type { StoreUnderTest } from "../store/conformance.ts";
import { openEmbeddedStore } from "../store/embedded.ts";
import {
  address,
  CHAIN_ID,
  commit,
  hash,
  ORACLE,
  outboxEntry,
  proposedOutput,
  recordStatement,
  requestRecord,
} from "../store/fixtures.ts";

const WINDOW = 600;
const VERDICT_SECONDS = 100;
const US = address("us");
const ARBITER: Arbiter = {
  index: 1,
  address: address("arbiter"),
  bondWei: 10n ** 17n,
  verdictSeconds: VERDICT_SECONDS,
};

let subject: StoreUnderTest;
let record: RequestRecord;
let proposed: ProposedOutput;
let dispute: Dispute;
let id: `0x${string}`;
let key: string;
let chainNow: number;
let wakes: (number | undefined)[];
let log: ReturnType<typeof collectedLog>;
let deps: PipelineDeps;

beforeAll(async () => {
  subject = await openEmbeddedStore();
}, 60_000);

afterAll(() => subject.close());

beforeEach(async () => {
  await subject.clear();
  const template = requestRecord("a");
  const fields = unpackRequest({ ...template.request, terms: 0n, opening: 0n, funds: 0n });
  const terms = { quorum: 2, committeeSize: 2, challengeWindow: WINDOW, arbiterIndex: 1, roundSeconds: 5 };
  const request = packRequest({ ...fields, ...terms, overdrawBps: 10_000, totalWeight: 5n });
  record = { ...template, request };
  await subject.store.insertRequest(record);
  const { proposal, output } = proposedOutput("a");
  proposed = { proposal: { ...proposal, outputHash: keccak256(output) }, output };
  const challengedAt = proposal.proposedAt + 10;
  dispute = { proposal: proposed.proposal, challenger: US, challengedBlock: 13, challengedAt };
  id = disputeId(ARBITER.address, record.requestId, dispute);
  key = requestKey(CHAIN_ID, ORACLE, id);
  chainNow = challengedAt * 1_000;
  wakes = [];
  log = collectedLog();
  // What these stages act through, and nothing else.
  deps = {
    scope: { chainId: CHAIN_ID, oracle: ORACLE },
    me: 3,
    store: subject.store,
    waiting: new Map(),
    key: { address: US },
    arbiterOf: () => ARBITER,
    watch: null,
    timing: { commitGraceMs: 0 },
    log,
    now: () => chainNow,
    clock: { now: () => chainNow },
    wake: (_key: string, at?: number) => wakes.push(at),
    pokeOutbox: () => undefined,
  } as unknown as PipelineDeps;
});

const at = (blockNumber: bigint) => ({
  blockNumber,
  blockHash: hash(`${blockNumber}`),
  transactionHash: hash(`t${blockNumber}`),
  logIndex: 0,
});
const propose = () =>
  onProposed(deps, { type: "OutputProposed", requestId: record.requestId, ...proposed, position: at(12n) });
const challenge = (changes: Partial<Extract<ChainEvent, { type: "ProposalChallenged" }>> = {}) =>
  onChallenged(deps, {
    type: "ProposalChallenged",
    disputeId: id,
    requestId: record.requestId,
    dispute,
    arbiter: ARBITER,
    position: at(13n),
    ...changes,
  });

async function row(of: string): Promise<RequestRecord> {
  const found = await subject.store.request(of);
  if (found === null) throw new Error("the row is gone");
  return found;
}

describe("a challenge", () => {
  test("challenged: the dispute has a row of its own, to be answered like a request", async () => {
    await propose();
    expect(await challenge()).toEqual([record.key, key]);
    await onProposed(deps, { type: "ProposalSuspended", requestId: record.requestId, position: at(13n) });

    expect(await row(record.key)).toMatchObject({
      state: "challenged",
      disputeId: id,
      challengedBlock: 13n,
      proposed,
    });
    expect(await row(key)).toMatchObject({
      requestId: id,
      state: "waiting",
      request: record.request,
      input: record.input,
      deadline: dispute.challengedAt + VERDICT_SECONDS,
      openedBlock: 13n,
      openedBlockHash: hash("13"),
      dispute: { requestId: record.requestId, arbiter: ARBITER.address, dispute, output: proposed.output },
    });
    expect(await challenge()).toEqual([]);
    expect((await subject.store.requests({ about: "disputes" })).map((found) => found.key)).toEqual([key]);
    expect((await subject.store.requests({ about: "requests" })).map((found) => found.key)).toEqual([
      record.key,
    ]);
  });

  test("ignored: a dispute about a request that we never stored, or about another proposal", async () => {
    await propose();
    expect(await challenge({ requestId: hash("unknown") })).toEqual([]);
    const other = { ...dispute, proposal: { ...dispute.proposal, submitterId: 9 } };
    expect(await challenge({ dispute: other })).toEqual([]);
    expect(log.lines.at(-1)?.message).toContain("another proposal");
    expect((await row(record.key)).state).toBe("proposed");
  });

  test("decided: the verdict closes the dispute, and the answer its request", async () => {
    for (const [type, verdict] of [
      ["ProposalUpheld", "upheld"],
      ["ProposalOverturned", "overturned"],
    ] as const) {
      await subject.clear();
      await subject.store.insertRequest(record);
      await propose();
      await challenge();
      const about = { disputeId: id, requestId: record.requestId, jurors: [3, 4, 5], position: at(15n) };
      await onChallenged(deps, { type, ...about, outputHash: hash("o") } as never);
      expect(await row(key)).toMatchObject({
        state: "settled",
        verdict,
        closedBlock: 15n,
        reason: `${verdict} by operators 3, 4, 5`,
        settledOutput: verdict === "upheld" ? proposed.output : null,
      });
      await onClosed(deps, {
        type: "RequestSettled",
        requestId: record.requestId,
        signers: [3, 4, 5],
        gasPaid: 0n,
        output: "0x01",
        position: at(15n),
      });
      expect(await row(record.key)).toMatchObject({ state: "settled", settledOutput: "0x01" });
    }
  });

  test("rewound: a reorg takes back the verdict, then the challenge", async () => {
    await propose();
    await challenge();
    await onChallenged(deps, {
      type: "ProposalUpheld",
      disputeId: id,
      requestId: record.requestId,
      jurors: [3],
      position: at(15n),
    });
    await subject.store.transition(record.key, ["challenged"], "settled", { closedBlock: 15n });
    expect((await subject.store.rewind(14n)).sort()).toEqual([record.key, key].sort());
    expect(await row(record.key)).toMatchObject({ state: "challenged", disputeId: id });
    expect(await row(key)).toMatchObject({ state: "waiting", verdict: null, closedBlock: null });

    await subject.store.rewind(12n);
    expect(await row(record.key)).toMatchObject({
      state: "proposed",
      disputeId: null,
      challengedBlock: null,
    });
    expect(await subject.store.request(key)).toBeNull();
  });

  test("rewound: a juror that had spoken goes on from there when the challenge comes back", async () => {
    await propose();
    await challenge();
    await subject.store.transition(key, ["waiting"], "computed", { output: "0x0a", outputHash: hash("o") });
    const message = commit(id, 3);
    await recordStatement(subject.store, { key, slot: "commit", message, createdAt: 1 });
    await subject.store.rewind(12n);
    expect(await subject.store.request(key)).toBeNull();
    await challenge();
    expect(await row(key)).toMatchObject({ state: "committed", output: "0x0a" });
    expect((await subject.store.peerMessages(key)).map((heard) => heard.message)).toEqual([message]);
  });

  test("explained: the request says how far its jury is", async () => {
    await propose();
    await challenge();
    const page = await explain(deps, await row(record.key));
    expect(page).toMatchObject({ state: "challenged", reason: "challenged: jury commitments 0 of 3" });
    expect(page.dispute).toEqual({
      disputeId: id,
      requestId: record.requestId,
      arbiter: ARBITER.address,
      challenger: US,
      verdictUntil: dispute.challengedAt + VERDICT_SECONDS,
      quorum: 3,
      jury: "commitments 0 of 3",
      verdict: null,
    });
    expect(await explain(deps, await row(key))).toMatchObject({ quorum: 3, committeeSize: 5 });
  });
});

describe("a jury that came to nothing", () => {
  /** Four that may sit on it, beside the two that are accused. */
  const JURORS = [3, 4, 5, 6];
  const findings = async () => {
    await examineClosed({ ...deps, pokeCourt: () => undefined }, key);
    const rows = await subject.store.evidence.list({ limit: 10 });
    return rows.map(({ operatorId, offence }) => `${operatorId} ${offence}`).sort();
  };
  const committed = async (operatorIds: readonly number[]) => {
    for (const operatorId of operatorIds) await subject.store.addPeerMessage(key, commit(id, operatorId), 1);
  };

  beforeEach(async () => {
    const { modelId } = record.request;
    const profile = packProfile({
      output: { name: "output", codec: "scalar" },
      profile: { kind: "exact" },
    } as Parameters<typeof packProfile>[0]);
    await subject.store.putModel({ modelId, publisher: US, manifestURI: "", profile }, 1n);
    for (const operatorId of JURORS) {
      const seat = { modelId, operatorId, attester: address(`${operatorId}`), weight: 1n, activeFrom: 0 };
      await subject.store.putEnrolment(seat, 1n);
    }
    await propose();
    await challenge();
  });

  test("lapsed with fewer commitments than the jury's own quorum: nobody had to open, and nobody is accused", async () => {
    await committed([4, 5]);
    await onChallenged(deps, {
      type: "DisputeLapsed",
      disputeId: id,
      requestId: record.requestId,
      position: at(15n),
    });
    expect(await findings()).toEqual([]);
    await committed([6]);
    expect(await findings()).toEqual(["4 withheld", "5 withheld", "6 withheld"]);
  });

  test("overturned by bytes that we never heard: silence is nobody's fault", async () => {
    await committed([4, 5, 6]);
    await onChallenged(deps, {
      type: "ProposalOverturned",
      disputeId: id,
      requestId: record.requestId,
      jurors: [4, 5, 6],
      outputHash: hash("o"),
      position: at(15n),
    });
    expect(await findings()).toEqual([]);
  });
});

describe("what is still to be sent", () => {
  const needed = (kind: Parameters<typeof isNeeded>[2], of = record.key) => isNeeded(deps, of, kind);

  test("needed: a finalization and a challenge while the output is proposed, and no longer", async () => {
    expect(await needed("settle")).toBe(true);
    expect(await needed("finalize")).toBe(false);
    await propose();
    expect([await needed("settle"), await needed("finalize"), await needed("challenge")]).toEqual([
      false,
      true,
      true,
    ]);
    chainNow = (proposed.proposal.proposedAt + WINDOW + 2) * 1_000;
    expect([await needed("finalize"), await needed("challenge")]).toEqual([true, false]);
    await challenge();
    expect([await needed("finalize"), await needed("challenge")]).toEqual([false, false]);
  });

  test("needed: a verdict while the dispute is open, a lapse until it is decided", async () => {
    await propose();
    await challenge();
    expect([await needed("resolve", key), await needed("lapse", key)]).toEqual([true, true]);
    await onChallenged(deps, {
      type: "DisputeLapsed",
      disputeId: id,
      requestId: record.requestId,
      position: at(15n),
    });
    expect([await needed("resolve", key), await needed("lapse", key)]).toEqual([false, false]);
    expect(await needed("settle", requestKey(CHAIN_ID, ORACLE, hash("unknown")))).toBe(false);
  });
});

describe("a dispute that nobody decides", () => {
  const lapse = async () => lapseWhenDue(deps, await row(key));
  const after = () => {
    chainNow = (dispute.challengedAt + VERDICT_SECONDS + 1) * 1_000;
  };

  test("lapsed: its challenger waits for the verdict time's end, and sends one transaction", async () => {
    await propose();
    await challenge();
    await lapse();
    expect(wakes).toEqual([(dispute.challengedAt + VERDICT_SECONDS + 1) * 1_000]);
    after();
    await lapse();
    await lapse();
    const entries = await subject.store.outboxFor(key);
    expect(entries).toMatchObject([{ kind: "lapse", to: ARBITER.address, value: 0n, state: "planned" }]);
    // It never costs more than it brings back.
    const [entry] = entries;
    expect((entry?.gas ?? 0n) * (entry?.maxFeePerGasCap ?? 0n)).toBeLessThanOrEqual(ARBITER.bondWei);
  });

  test("lapsed: one that failed is sent again, later", async () => {
    await propose();
    await challenge();
    after();
    await lapse();
    const [entry] = await subject.store.outboxFor(key);
    if (entry === undefined) throw new Error("nothing was planned");
    const failed = { ...entry, state: "mined" as const, succeeded: false, updatedAt: chainNow };
    await subject.store.updateOutbox(failed, "planned");
    await lapse();
    expect(await subject.store.outboxFor(key)).toHaveLength(1);
    chainNow += 30_000;
    await lapse();
    expect(await subject.store.outboxFor(key)).toHaveLength(2);
  });

  test("left: nobody else pays for it, and nobody once it is decided", async () => {
    await propose();
    await challenge();
    after();
    const others = { ...deps, key: { address: address("somebody") } } as unknown as PipelineDeps;
    await lapseWhenDue(others, await row(key));
    await lapseWhenDue(deps, { ...(await row(key)), verdict: "upheld" });
    await lapseWhenDue(deps, await row(record.key));
    expect(await subject.store.outboxFor(key)).toEqual([]);
    expect(await subject.store.outboxFor(outboxEntry("none").key)).toEqual([]);
  });
});
