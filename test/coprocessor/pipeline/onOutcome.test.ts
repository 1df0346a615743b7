import { encodeOutput, packProfile, parseManifest, parseWad } from "@sibyl/sdk";
import { keccak256 } from "viem";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { parseReceipt } from "../../../coprocessor/core/receipt.ts";
import type { RequestRecord } from "../../../coprocessor/core/request.ts";
import { WorkerTrust } from "../../../coprocessor/core/workerTrust.ts";
import { Workload } from "../../../coprocessor/core/workload.ts";
import { onOutcome } from "../../../coprocessor/pipeline/onOutcome.ts";
import type { SpotChecks } from "../../../coprocessor/pipeline/spotCheck.ts";
import type { InferenceJob, JobOutcome } from "../../../coprocessor/queue/port.ts";
import { collectedLog } from "../collectedLog.ts";
import type { StoreUnderTest } from "../store/conformance.ts";
import { openEmbeddedStore } from "../store/embedded.ts";
import { CHAIN_ID, hash, ORACLE, RUNTIME, requestRecord } from "../store/fixtures.ts";

const manifest = parseManifest({
  schema: "sibyl/model@1",
  name: "scalar",
  version: "1",
  description: "For tests.",
  license: "MIT",
  files: [{ path: "m.onnx", sha256: hash("m").slice(2), bytes: 1 }],
  entry: "m.onnx",
  input: { codec: "vector", maxBytes: 99 },
  output: { codec: "scalar" },
  task: { type: "vector" },
  profile: { kind: "exact" },
});
const ROOM = { capabilities: { ofModel: {} }, lanes: 1, held: 4, maxJobs: 10, marginMs: 0 };
const OUTPUT = encodeOutput("scalar", parseWad("2.5"));
const done = (output = OUTPUT): JobOutcome => ({
  status: "done",
  output,
  runtime: RUNTIME,
  loadMs: 4,
  runMs: 0.5,
});

let subject: StoreUnderTest;
let record: RequestRecord;
let removed: string[];
let workload: Workload;
let log: ReturnType<typeof collectedLog>;

beforeAll(async () => {
  subject = await openEmbeddedStore();
}, 60_000);
afterAll(() => subject.close());
beforeEach(async () => {
  await subject.clear();
  removed = [];
  log = collectedLog();
  workload = new Workload(() => ({ ...ROOM, prices: { minFees: new Map(), tokenWeiWad: new Map() } }));
  const template = requestRecord("a");
  record = { ...template, request: { ...template.request, inputHash: keccak256(template.input) } };
  await subject.store.insertRequest({ ...record, state: "queued" });
  const { modelId } = record.request;
  await subject.store.putModel(
    { modelId, publisher: ORACLE, manifestURI: "https://a/manifest.json", profile: packProfile(manifest) },
    1n,
  );
});

/** The worker's and the model store's parts are played; the store is real. */
const hear = (outcome: JobOutcome, now = 9_000, spotChecks?: SpotChecks) =>
  onOutcome(
    {
      scope: { chainId: CHAIN_ID, oracle: ORACLE },
      me: 7,
      store: subject.store,
      queue: {
        add: async () => {},
        onOutcome: () => {},
        remove: async (key) => void removed.push(key),
        counts: async () => ({ waiting: 0, active: 0, parked: 0 }),
        depths: async () => [],
        jobs: async () => [],
        close: async () => {},
      },
      models: {
        manifest: async () => manifest,
        resolve: async () => ({ modelId: record.request.modelId, manifest, files: {} }),
      },
      waiting: new Map(),
      workload,
      spotChecks,
      log,
      now: () => now,
      wake: () => {},
    },
    record.key,
    outcome,
  );

it("computed: the output is stored together with a receipt that anybody can read", async () => {
  await hear(done());
  expect(await subject.store.request(record.key)).toMatchObject({ state: "computed", output: OUTPUT });
  const receipt = await subject.store.receipt(record.key);
  expect(receipt).toEqual({
    schema: "sibyl/receipt@1",
    chainId: CHAIN_ID,
    oracle: ORACLE,
    requestId: record.requestId,
    operatorId: 7,
    modelId: record.request.modelId,
    manifestURI: "https://a/manifest.json",
    input: record.input,
    inputHash: keccak256(record.input),
    output: OUTPUT,
    outputHash: keccak256(OUTPUT),
    runtime: RUNTIME,
    loadMs: 4,
    runMs: 0.5,
    computedAt: 9_000,
  });
  expect(parseReceipt(receipt)).toEqual(receipt);
  expect(removed).toEqual([record.key]);
});

it("told twice: the first outcome and its receipt stay", async () => {
  await hear(done());
  await hear(done(encodeOutput("scalar", 1n)), 10_000);
  expect((await subject.store.request(record.key))?.output).toBe(OUTPUT);
  expect(await subject.store.receipt(record.key)).toMatchObject({ output: OUTPUT, computedAt: 9_000 });
});

it("parked: what is no answer leaves no receipt", async () => {
  await hear(done("0x1234"));
  expect(await subject.store.request(record.key)).toMatchObject({ state: "parked" });
  expect(await subject.store.receipt(record.key)).toBeNull();
});

it("ended: a job makes room for others, and its time counts for the next ones of its model", async () => {
  const { modelId } = record.request;
  workload.resume({ key: record.key, priority: 1, latestEndAt: 1e12, modelId }, 9_000);
  expect(workload.backlogMs).toBe(1_000);
  await hear(done());
  expect(workload.size).toBe(0);
  expect(workload.times.expectedMs(modelId, 9_000)).toBe(1);
});

/** Checks whose own runs come to `answer`. */
function checks(answer: JobOutcome, patch: Partial<SpotChecks> = {}): SpotChecks & { jobs: InferenceJob[] } {
  const jobs: InferenceJob[] = [];
  return {
    jobs,
    share: 1,
    seed: hash("seed"),
    own: () => "our own",
    trust: new WorkerTrust(),
    async run(job) {
      jobs.push(job);
      return answer;
    },
    ...patch,
  };
}
const from = (worker: string, output = OUTPUT): JobOutcome => ({ ...done(output), worker }) as JobOutcome;

it("checked: an answer that our own run agrees with is taken, with the worker's receipt", async () => {
  const spot = checks(done());
  await hear(from("a"), 9_000, spot);
  expect(spot.jobs).toMatchObject([{ key: record.key, input: record.input }]);
  expect(await subject.store.request(record.key)).toMatchObject({ state: "computed", output: OUTPUT });
  expect(spot.trust.list()).toEqual([]);
});

it("disagrees: our own answer is taken, and the worker is parked by its name", async () => {
  const spot = checks(done());
  await hear(from("a", encodeOutput("scalar", 1n)), 9_000, spot);
  expect(await subject.store.request(record.key)).toMatchObject({ state: "computed", output: OUTPUT });
  expect(await subject.store.receipt(record.key)).toMatchObject({ output: OUTPUT });
  expect(spot.trust.list()).toMatchObject([
    { worker: "a", since: 9_000, reason: expect.stringContaining(record.requestId) },
  ]);
  expect(log.codes()).toContain("worker/disagrees");
});

it("not checked: what we cannot run says nothing about the worker, and says so", async () => {
  const spot = checks({ status: "failed", code: "model/fetch-failed", message: "gone" });
  await hear(from("a"), 9_000, spot);
  expect(await subject.store.request(record.key)).toMatchObject({ state: "computed" });
  expect(spot.trust.list()).toEqual([]);
  expect(log.codes()).toContain("worker/not-checked");
});

it("not checked: what is not in the sample, and what our own worker ran", async () => {
  const spot = checks(done(encodeOutput("scalar", 1n)), { share: 0 });
  await hear(from("a"), 9_000, spot);
  const own = checks(done(encodeOutput("scalar", 1n)));
  await subject.store.transition(record.key, ["computed"], "queued");
  await hear(from("our own"), 9_000, own);
  expect([...spot.jobs, ...own.jobs]).toEqual([]);
  expect((await subject.store.request(record.key))?.output).toBe(OUTPUT);
});
