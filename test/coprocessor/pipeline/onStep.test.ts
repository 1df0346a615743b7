import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { ChainEvent } from "../../../coprocessor/chain/port.ts";
import { type RequestKey, type RequestRecord, requestKey } from "../../../coprocessor/core/request.ts";
import { Workload } from "../../../coprocessor/core/workload.ts";
import type { PipelineDeps } from "../../../coprocessor/pipeline/deps.ts";
import { onStep } from "../../../coprocessor/pipeline/onStep.ts";
import { collectedLog } from "../collectedLog.ts";
import type { StoreUnderTest } from "../store/conformance.ts";
import { openEmbeddedStore } from "../store/embedded.ts";
import { block, CHAIN_ID, ORACLE, requestRecord } from "../store/fixtures.ts";
import { at, opening as openingUntil, seat, US } from "./chainEvents.ts";

const HEAD = block(40n);
const LATE = HEAD.timestamp - 1;
const INTIME = HEAD.timestamp + 100;

let subject: StoreUnderTest;
let deps: PipelineDeps;
let log: ReturnType<typeof collectedLog>;
let wakes: RequestKey[];
let examined: RequestKey[];

beforeAll(async () => {
  subject = await openEmbeddedStore();
}, 60_000);
afterAll(() => subject.close());
beforeEach(async () => {
  await subject.clear();
  log = collectedLog();
  wakes = [];
  examined = [];
  deps = {
    scope: { chainId: CHAIN_ID, oracle: ORACLE },
    me: US,
    store: subject.store,
    queue: { remove: async () => {} },
    pending: { take: () => [] },
    waiting: new Map(),
    watch: null,
    workload: new Workload(() => {
      throw new Error("nothing is taken");
    }),
    log,
    now: () => 1_700_000_000_000,
    wake: (key: RequestKey) => wakes.push(key),
    examineLater: (key: RequestKey) => examined.push(key),
  } as unknown as PipelineDeps;
});

const opening = (label: string, blockNumber: bigint, deadline = INTIME) =>
  openingUntil(label, blockNumber, deadline);

const rowOf = (label: string): Promise<RequestRecord | null> =>
  subject.store.request(requestKey(CHAIN_ID, ORACLE, requestRecord(label).requestId));

test("a range of blocks: each opening is drawn from the seats as they stood then", async () => {
  const events = [
    opening("before", 10n),
    seat(11n, 100n),
    opening("between", 12n),
    seat(13n, 0n),
    opening("after", 14n),
    seat(15n, 100n),
    opening("again", 16n),
  ];
  await onStep(deps, { type: "blocks", head: HEAD, events });
  expect(await rowOf("before")).toBeNull();
  expect(await rowOf("between")).toMatchObject({ state: "waiting", openedBlock: 12n });
  expect(await rowOf("after")).toBeNull();
  expect(await rowOf("again")).toMatchObject({ state: "waiting", openedBlock: 16n });
  expect(wakes).toHaveLength(2);
});

test("a range of blocks: what opened and ended in it is stored as it ended", async () => {
  const settled = opening("settled", 11n);
  const events: ChainEvent[] = [
    seat(10n, 100n),
    settled,
    opening("late", 12n, LATE),
    {
      type: "RequestSettled",
      requestId: settled.requestId,
      signers: [US],
      gasPaid: 1n,
      output: "0x01",
      position: at(13n),
    },
    opening("open", 14n),
  ];
  await onStep(deps, { type: "blocks", head: HEAD, events });
  expect(await rowOf("settled")).toMatchObject({ state: "settled", closedBlock: 13n, settledOutput: "0x01" });
  expect(await rowOf("late")).toMatchObject({
    state: "expired",
    reason: "deadline passed while waiting for the first step",
    closedBlock: HEAD.number,
  });
  expect(await rowOf("open")).toMatchObject({ state: "waiting" });
  const keyOf = (label: string) => requestKey(CHAIN_ID, ORACLE, requestRecord(label).requestId);
  expect(wakes).toEqual([keyOf("open")]);
  expect(new Set(examined)).toEqual(new Set([keyOf("settled"), keyOf("late")]));
});

test("hundreds that pass their deadline in one step expire, each with what it waited for", async () => {
  const labels = Array.from({ length: 600 }, (_, index) => `${index}`);
  const waited = requestKey(CHAIN_ID, ORACLE, requestRecord("3").requestId);
  deps.waiting.set(waited, "its model");
  const events = [seat(10n, 100n), ...labels.map((label) => opening(label, 11n, LATE)), opening("open", 12n)];
  await onStep(deps, { type: "blocks", head: HEAD, events });
  const expired = await subject.store.requests({ states: ["expired"] });
  expect(expired).toHaveLength(labels.length);
  expect((await rowOf("3"))?.reason).toBe("deadline passed while waiting for its model");
  expect((await rowOf("open"))?.state).toBe("waiting");
  expect(deps.waiting.size).toBe(0);
});

test("an endpoint that repeats an opening changes nothing", async () => {
  const once = opening("once", 11n);
  await onStep(deps, { type: "blocks", head: HEAD, events: [seat(10n, 100n), once, once] });
  expect(await subject.store.requests({})).toHaveLength(1);
});
