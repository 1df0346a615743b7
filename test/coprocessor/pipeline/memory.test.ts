import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  encodeInput,
  type ModelManifest,
  packProfile,
  packRequest,
  parseManifest,
  unpackRequest,
} from "@sibyl/sdk";
import type { Hex } from "viem";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { RequestRecord } from "../../../coprocessor/core/request.ts";
import { advance } from "../../../coprocessor/pipeline/advance.ts";
import type { PipelineDeps } from "../../../coprocessor/pipeline/deps.ts";
import { collectedLog } from "../collectedLog.ts";
import type { StoreUnderTest } from "../store/conformance.ts";
import { openEmbeddedStore } from "../store/embedded.ts";
import { address, CHAIN_ID, commit, ORACLE, recordStatement, requestRecord } from "../store/fixtures.ts";

const OPENED_BLOCK = 100n;
const OPENED_AT = 1_700_000_000;
const models = join(import.meta.dirname, "..", "..", "..", "models");
const manifestOf = (name: string) => parseManifest(readFileSync(join(models, name, "manifest.json")));
const TOLERANT = manifestOf("spam-text");
const EXACT = manifestOf("iris");
const { cases } = JSON.parse(readFileSync(join(models, "iris", "goldens.json"), "utf8")) as {
  cases: { input: Hex }[];
};

let subject: StoreUnderTest;
let record: RequestRecord;

beforeAll(async () => {
  subject = await openEmbeddedStore();
}, 60_000);
afterAll(() => subject.close());

beforeEach(async () => {
  await subject.clear();
  const template = requestRecord("a");
  const fields = unpackRequest({ ...template.request, terms: 0n, opening: 0n, funds: 0n });
  const opening = {
    openedBlock: OPENED_BLOCK,
    openedAt: OPENED_AT,
    committeeSize: 3,
    quorum: 2,
    roundSeconds: 5,
  };
  const request = packRequest({ ...fields, ...opening, totalWeight: 1n, overdrawBps: 10_000 });
  record = { ...template, request, openedBlock: OPENED_BLOCK, state: "waiting", deadline: OPENED_AT + 60 };
});

/** Looks at the request once, as the driver does, and says how its row stands then. */
async function looked(manifest: ModelManifest): Promise<Pick<RequestRecord, "state" | "reason">> {
  const { store } = subject;
  const { modelId } = record.request;
  const model = { modelId, publisher: address("publisher"), manifestURI: "", profile: packProfile(manifest) };
  await store.putModel(model, 1n);
  const input = manifest === EXACT ? (cases[0]?.input ?? "0x") : encodeInput("text", "hello");
  await store.insertRequest({ ...record, input });
  const deps = {
    scope: { chainId: CHAIN_ID, oracle: ORACLE },
    me: 1,
    store,
    models: { manifest: async () => manifest },
    waiting: new Map(),
    // No job was taken.
    workload: { ended: () => {} },
    timing: { settleDelayMs: 0, commitGraceMs: 0 },
    log: collectedLog(),
    now: () => OPENED_AT * 1_000,
    clock: { now: () => OPENED_AT * 1_000, blockIntervalMs: 0 },
    wake: () => {},
  } as unknown as PipelineDeps;
  await advance(deps, record.key);
  const row = await store.request(record.key);
  if (row === null) throw new Error("the row is gone");
  return row;
}

test("parked: a request with tolerances that opened before our memory begins, for we may have signed", async () => {
  await subject.store.beginMemory({ block: OPENED_BLOCK, timestamp: OPENED_AT - 10 });
  const { state, reason } = await looked(TOLERANT);
  expect(state).toBe("parked");
  expect(reason).toBe(
    `memory/too-young: opened in block ${OPENED_BLOCK}, before this node's memory begins at block ${OPENED_BLOCK}; it may have signed already`,
  );
});

test("answered: one that opened later, and before as well where every run gives the same bytes", async () => {
  await subject.store.beginMemory({ block: OPENED_BLOCK - 1n, timestamp: OPENED_AT - 1 });
  expect(await looked(TOLERANT)).not.toMatchObject({ state: "parked" });
  await subject.clear();
  await subject.store.beginMemory({ block: OPENED_BLOCK + 50n, timestamp: OPENED_AT + 50 });
  expect(await looked(EXACT)).not.toMatchObject({ state: "parked" });
});

test("answered: one for which we know what we signed, whenever it opened", async () => {
  await subject.store.beginMemory({ block: OPENED_BLOCK, timestamp: OPENED_AT });
  const message = commit(record.requestId, 1);
  await recordStatement(subject.store, { key: record.key, slot: "commit", message, createdAt: 1 });
  expect(await looked(TOLERANT)).not.toMatchObject({ state: "parked" });
});
