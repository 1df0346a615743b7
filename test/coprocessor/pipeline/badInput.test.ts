import { encodeInput, packProfile, parseManifest } from "@sibyl/sdk";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { ChainEvent } from "../../../coprocessor/chain/port.ts";
import { CoprocessorError } from "../../../coprocessor/core/errors.ts";
import { RecentFaults } from "../../../coprocessor/core/recentFaults.ts";
import type { RequestRecord } from "../../../coprocessor/core/request.ts";
import { Workload } from "../../../coprocessor/core/workload.ts";
import { advance } from "../../../coprocessor/pipeline/advance.ts";
import type { PipelineDeps } from "../../../coprocessor/pipeline/deps.ts";
import { explain } from "../../../coprocessor/pipeline/explain.ts";
import { onStep } from "../../../coprocessor/pipeline/onStep.ts";
import { collectedLog } from "../collectedLog.ts";
import type { StoreUnderTest } from "../store/conformance.ts";
import { openEmbeddedStore } from "../store/embedded.ts";
import { block, CHAIN_ID, hash, ORACLE, requestRecord } from "../store/fixtures.ts";

const MANIFEST = parseManifest({
  schema: "sibyl/model@1",
  name: "scalar",
  version: "1",
  description: "For tests.",
  license: "MIT",
  files: [{ path: "m.onnx", sha256: hash("m").slice(2), bytes: 1 }],
  entry: "m.onnx",
  input: { codec: "text", maxBytes: 96 },
  output: { codec: "scalar" },
  task: { type: "vector" },
  profile: { kind: "exact" },
});

let subject: StoreUnderTest;
let deps: PipelineDeps;
let wakes: (number | undefined)[];
/** What the model store says. */
let manifest: () => Promise<typeof MANIFEST>;
const now = 1_700_000_000_000;

beforeAll(async () => {
  subject = await openEmbeddedStore();
}, 60_000);
afterAll(() => subject.close());
beforeEach(async () => {
  await subject.clear();
  wakes = [];
  manifest = async () => MANIFEST;
  const modelId = requestRecord("a").request.modelId;
  const profile = packProfile(MANIFEST);
  await subject.store.putModel({ modelId, publisher: ORACLE, manifestURI: "file:a", profile }, 1n);
  deps = {
    scope: { chainId: CHAIN_ID, oracle: ORACLE },
    me: 7,
    store: subject.store,
    models: { manifest: () => manifest() },
    queue: { remove: async () => {} },
    pending: { take: () => [] },
    waiting: new Map(),
    workload: new Workload(() => {
      throw new Error("nothing is taken");
    }),
    recentFaults: new RecentFaults(10),
    timing: { commitGraceMs: 0 },
    log: collectedLog(),
    now: () => now,
    clock: { now: () => now },
    wake: (_key: string, at?: number) => wakes.push(at),
    examineLater: () => {},
  } as unknown as PipelineDeps;
});

async function asked(input: `0x${string}`): Promise<RequestRecord> {
  const record = { ...requestRecord("a"), input };
  await subject.store.insertRequest(record);
  return record;
}
/** What the status shows. */
async function shown({ key }: RequestRecord) {
  const record = await subject.store.request(key);
  if (record === null) throw new Error("the row is gone");
  const { state, reason, callbackFailed, output } = await explain(deps, record);
  return { state, reason, callbackFailed, output };
}

describe("bad input", () => {
  test("parked: an input that is no text for a model that reads text", async () => {
    const record = await asked("0x0011ff");
    await advance(deps, record.key);
    const { state, reason, output } = await shown(record);
    expect({ state, output }).toEqual({ state: "parked", output: null });
    expect(reason).toMatch(/^input\/malformed: /);
  });

  test("parked: an input beyond what the model takes", async () => {
    const record = await asked(encodeInput("text", "a".repeat(100)));
    await advance(deps, record.key);
    expect(await shown(record)).toMatchObject({
      state: "parked",
      reason: "input/too-large: 192 bytes, the model takes 96",
    });
  });

  test("parked: a model whose files are not what its id says", async () => {
    manifest = async () => {
      throw new CoprocessorError("m.onnx hashes to 0xbb", { code: "model/hash-mismatch", retry: "never" });
    };
    const record = await asked(encodeInput("text", "a"));
    await advance(deps, record.key);
    expect(await shown(record)).toMatchObject({
      state: "parked",
      reason: "model/hash-mismatch: m.onnx hashes to 0xbb",
    });
  });

  test("waiting: a model that cannot be had now is tried again, and the status says why", async () => {
    manifest = async () => {
      throw new CoprocessorError("no place has it", { code: "model/unavailable", retry: "backoff" });
    };
    const record = await asked(encodeInput("text", "a"));
    await advance(deps, record.key);
    expect(await shown(record)).toMatchObject({
      state: "waiting",
      reason: "model/unavailable: no place has it",
    });
    expect(wakes).toEqual([now + 2_000]);
  });

  const position = { blockNumber: 12n, blockHash: hash("12"), transactionHash: hash("t"), logIndex: 3 };
  const step = (events: ChainEvent[]) => onStep(deps, { type: "blocks", head: block(12n), events });

  test("recorded: a log that is not what it claims to be, and the block's others count", async () => {
    const record = await asked("0x01");
    await step([
      {
        type: "Malformed",
        address: ORACLE,
        eventName: "RequestOpened",
        reason: "id is not the hash",
        position,
      },
      { type: "RequestExpired", requestId: record.requestId, position },
    ]);
    expect(deps.recentFaults.list()).toEqual([
      {
        at: now,
        code: "chain/malformed-log",
        reason: "id is not the hash",
        where: {
          address: ORACLE,
          eventName: "RequestOpened",
          block: "12",
          transactionHash: hash("t"),
          logIndex: 3,
        },
      },
    ]);
    expect((await shown(record)).state).toBe("expired");
  });

  test("settled: a callback that fails keeps what it returned, until a redelivery succeeds", async () => {
    const record = await asked("0x01");
    const { requestId } = record;
    await step([
      { type: "RequestSettled", requestId, signers: [7], gasPaid: 1n, output: "0x02", position },
      { type: "CallbackFailed", requestId, reason: "0xdeadbeef", position },
    ]);
    expect(await shown(record)).toMatchObject({
      state: "settled",
      callbackFailed: true,
      reason: "consumer/callback-failed: it returned 0xdeadbeef; anyone may redeliver",
    });
    await step([{ type: "Redelivered", requestId, position }]);
    expect(await shown(record)).toMatchObject({ callbackFailed: false, reason: null });
  });
});
