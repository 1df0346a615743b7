import { packRequest, unpackRequest } from "@sibyl/sdk";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { RequestRecord } from "../../../coprocessor/core/request.ts";
import { Workload } from "../../../coprocessor/core/workload.ts";
import { admit, resumeJob } from "../../../coprocessor/pipeline/admit.ts";
import type { PipelineDeps } from "../../../coprocessor/pipeline/deps.ts";
import { collectedLog } from "../collectedLog.ts";
import type { StoreUnderTest } from "../store/conformance.ts";
import { openEmbeddedStore } from "../store/embedded.ts";
import { requestRecord } from "../store/fixtures.ts";

const MANIFEST = { name: "iris" } as Parameters<typeof admit>[2];
const TIMING = {
  commitGraceMs: 400,
  revealGraceMs: 400,
  viewTimeoutMs: 3_000,
  settleDelayMs: 4_000,
  standbyDelayMs: 0,
};

let subject: StoreUnderTest;
let now: number;
let chainAheadMs: number;
let floorWei: bigint;
let wakes: (number | undefined)[];
let deps: PipelineDeps;
let log: ReturnType<typeof collectedLog>;

beforeAll(async () => {
  subject = await openEmbeddedStore();
}, 60_000);
afterAll(() => subject.close());
beforeEach(async () => {
  await subject.clear();
  now = 1_700_000_000_000;
  chainAheadMs = 0;
  floorWei = 0n;
  wakes = [];
  log = collectedLog();
  deps = {
    store: subject.store,
    waiting: new Map(),
    log,
    workload: new Workload(() => ({
      capabilities: { ofModel: {} },
      lanes: 1,
      held: 1,
      maxJobs: 10,
      marginMs: 200,
      prices: { minFees: new Map([["native", floorWei]]), tokenWeiWad: new Map() },
    })),
    timing: TIMING,
    clock: { now: (ours: number) => ours + chainAheadMs, blockIntervalMs: 1_000 },
    now: () => now,
    wake: (_key: string, at?: number) => wakes.push(at),
  } as unknown as PipelineDeps;
});

/** A request with this much time left that pays a signer 90 wei. */
async function asked(label: string, leftMs: number): Promise<RequestRecord> {
  const template = requestRecord(label);
  const fields = unpackRequest({ ...template.request, terms: 0n, opening: 0n, funds: 0n });
  const request = packRequest({ ...fields, quorum: 1, fee: 100n, royaltyBps: 1_000 });
  const record = { ...template, request, deadline: (now + leftMs) / 1_000 };
  await subject.store.insertRequest(record);
  return record;
}

const reasonOf = async ({ key }: RequestRecord) =>
  deps.waiting.get(key) ?? (await subject.store.request(key))?.reason ?? null;

describe("admit", () => {
  test("taken: the deadline leaves time for the run, the agreement and two blocks", async () => {
    // One second presumed for the run, 0.8 s of graces, two blocks, 0.2 s of margin.
    expect(await admit(deps, await asked("a", 4_000), MANIFEST)).toBe(true);
    expect(deps.workload.size).toBe(1);
  });

  test("declined: a millisecond less is too close, and the status says so", async () => {
    const record = await asked("a", 4_000);
    now += 1;
    expect(await admit(deps, record, MANIFEST)).toBe(false);
    expect(await reasonOf(record)).toBe(
      "admission/deadline-too-close: one run takes about 1000 ms, and 999 ms are left for it",
    );
    expect(wakes).toEqual([]);
    expect((await subject.store.request(record.key))?.state).toBe("waiting");
  });

  test("declined: the deadline counts by the chain's clock", async () => {
    chainAheadMs = 500;
    expect(await admit(deps, await asked("a", 4_000), MANIFEST)).toBe(false);
  });

  test("waiting: with a backlog it is asked again, and taken once load has fallen", async () => {
    const first = await asked("a", 60_000);
    const second = await asked("b", 4_000);
    expect(await admit(deps, first, MANIFEST)).toBe(true);
    expect(await admit(deps, second, MANIFEST)).toBe(false);
    expect(await reasonOf(second)).toMatch(/^admission\/backlog-too-long: 1 jobs run before it/);
    expect(wakes).toEqual([now + 250]);
    deps.workload.ended(first.key);
    expect(await admit(deps, second, MANIFEST)).toBe(true);
  });

  test("parked: a fee below the floor, named with both amounts; a lower floor takes it", async () => {
    floorWei = 91n;
    const record = await asked("a", 60_000);
    expect(await admit(deps, record, MANIFEST)).toBe(false);
    expect(await subject.store.request(record.key)).toMatchObject({
      state: "parked",
      reason: "admission/fee-too-low: a run earns 90 wei, this operator asks for 91",
    });
    floorWei = 90n;
    expect(await admit(deps, await asked("b", 60_000), MANIFEST)).toBe(true);
  });

  test("waiting: a node that drains takes nothing, and says so", async () => {
    deps.workload.drain();
    const record = await asked("a", 60_000);
    expect(await admit(deps, record, MANIFEST)).toBe(false);
    expect(await reasonOf(record)).toMatch(/^node\/draining/);
  });

  test("resumed: what the queue held before a restart counts as backlog", async () => {
    resumeJob(deps, await asked("a", 60_000));
    expect(await admit(deps, await asked("b", 4_000), MANIFEST)).toBe(false);
  });
});
