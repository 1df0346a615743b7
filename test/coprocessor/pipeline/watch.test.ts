import { encodeClassification, packRequest, toWad, unpackRequest } from "@sibyl/sdk";
import { keccak256 } from "viem";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Arbiter } from "../../../coprocessor/core/dispute.ts";
import { CoprocessorError } from "../../../coprocessor/core/errors.ts";
import { type ProposedOutput, type RequestRecord, requestKey } from "../../../coprocessor/core/request.ts";
import type { WatchRecord } from "../../../coprocessor/core/watch.ts";
import type { Watching } from "../../../coprocessor/pipeline/deps.ts";
import {
  considerProposal,
  lookAgain,
  onSecondLook,
  type WatchDeps,
  watchedRequest,
} from "../../../coprocessor/pipeline/watch.ts";
import type { InferenceJob, JobOutcome } from "../../../coprocessor/queue/port.ts";
import { collectedLog } from "../collectedLog.ts";
import type { StoreUnderTest } from "../store/conformance.ts";
import { openEmbeddedStore } from "../store/embedded.ts";
import {
  address,
  CHAIN_ID,
  hash,
  ORACLE,
  proposedOutput,
  RUNTIME,
  requestRecord,
} from "../store/fixtures.ts";

const WINDOW = 600;
const ARBITER: Arbiter = { index: 1, address: address("arbiter"), bondWei: 10n ** 17n, verdictSeconds: 100 };
const RIGHT = encodeClassification({ label: 1, confidence: toWad(0.75) });
const CLOSE = encodeClassification({ label: 1, confidence: toWad(0.75) + 1n });
const WRONG = encodeClassification({ label: 0, confidence: toWad(0.75) });

let subject: StoreUnderTest;
let record: RequestRecord;
let chainNow: number;
let balanceWei: bigint;
let manifestFailure: CoprocessorError | null;
let jobs: Map<string, InferenceJob>;
let wakes: (number | undefined)[];
let looks: number;
let log: ReturnType<typeof collectedLog>;
let deps: WatchDeps;

beforeAll(async () => {
  subject = await openEmbeddedStore();
}, 60_000);

afterAll(() => subject.close());

const fieldsOf = (words: RequestRecord["request"]) =>
  unpackRequest({ ...words, terms: 0n, opening: 0n, funds: 0n });

function requestOf(label: string): RequestRecord {
  const template = requestRecord(label);
  const request = packRequest({
    ...fieldsOf(template.request),
    quorum: 2,
    committeeSize: 2,
    challengeWindow: WINDOW,
    arbiterIndex: 1,
  });
  return { ...template, request, state: "aside" };
}

/** With a window that ends `later` seconds after the usual one. */
function proposalOf(output: `0x${string}`, later = 0): ProposedOutput {
  const { proposal } = proposedOutput("a");
  const proposedAt = proposal.proposedAt + later;
  return { proposal: { ...proposal, proposedAt, outputHash: keccak256(output) }, output };
}

async function proposed(of: RequestRecord, output: `0x${string}`, later = 0): Promise<RequestRecord> {
  const patch = { proposed: proposalOf(output, later), proposedBlock: 12n };
  const row = await subject.store.transition(of.key, ["aside", "computed", "proposed"], "proposed", patch);
  if (row === null) throw new Error("the row is gone");
  return row;
}

beforeEach(async () => {
  await subject.clear();
  record = requestOf("a");
  await subject.store.insertRequest(record);
  chainNow = (proposalOf(RIGHT).proposal.proposedAt + 1) * 1_000;
  balanceWei = 10n ** 18n;
  manifestFailure = null;
  jobs = new Map();
  wakes = [];
  looks = 0;
  log = collectedLog();
  const watch: Watching = {
    share: 1,
    seed: hash("seed"),
    serves: "any",
    maxRunning: 2,
    marginMs: 30_000,
    balance: async () => balanceWei,
  };
  // What these stages act through, and nothing else.
  deps = {
    scope: { chainId: CHAIN_ID, oracle: ORACLE },
    me: 0,
    store: subject.store,
    queue: {
      add: async (job: InferenceJob) => void jobs.set(job.key, job),
      remove: async (key: string) => void jobs.delete(key),
    },
    models: {
      manifest: async () => {
        if (manifestFailure !== null) throw manifestFailure;
        const profile = { kind: "tolerance", abs: "0.0001", rel: "0" };
        return { output: { codec: "classification" }, profile };
      },
    },
    arbiterOf: (which: number | string) => (which === 1 || which === ARBITER.address ? ARBITER : null),
    watch,
    log,
    now: () => chainNow,
    clock: { now: () => chainNow },
    wake: (_key: string, at?: number) => wakes.push(at),
    pokeOutbox: () => undefined,
    pokeWatch: () => looks++,
  } as unknown as WatchDeps;
});

const jobKey = (of = record) => `watch-${of.key}`;
const done = (output: `0x${string}`): JobOutcome => ({
  status: "done",
  output,
  runtime: RUNTIME,
  loadMs: 1,
  runMs: 1,
});

async function watch(of = record): Promise<WatchRecord> {
  const found = await subject.store.watch(of.key);
  if (found === null) throw new Error("not watched");
  return found;
}

const challenges = async (of = record) =>
  (await subject.store.outboxFor(of.key)).filter(({ kind }) => kind === "challenge");

describe("a second look", () => {
  test("agrees: it runs once, through the queue, and nothing is challenged", async () => {
    const row = await proposed(record, CLOSE);
    await considerProposal(deps, row);
    await considerProposal(deps, row);
    expect(await watch()).toMatchObject({
      state: "pending",
      windowEndsAt: (row.proposed?.proposal.proposedAt ?? 0) + WINDOW,
    });
    expect(looks).toBe(1);
    await lookAgain(deps);
    expect([...jobs.keys()]).toEqual([jobKey()]);
    expect(watchedRequest(jobKey())).toBe(record.key);
    expect(watchedRequest(record.key)).toBeNull();
    expect(await watch()).toMatchObject({ state: "running" });

    await onSecondLook(deps, record.key, done(RIGHT));
    expect(await watch()).toMatchObject({
      state: "agrees",
      output: RIGHT,
      proposedOutput: CLOSE,
      reason: null,
    });
    expect(await challenges()).toEqual([]);
    expect(jobs.size).toBe(0);
    expect(await subject.store.receipt(record.key)).toMatchObject({ output: RIGHT, operatorId: 0 });
  });

  test("disagrees: it is challenged once, with the bond, and both outputs are kept", async () => {
    const row = await proposed(record, WRONG);
    await considerProposal(deps, row);
    await lookAgain(deps);
    await onSecondLook(deps, record.key, done(RIGHT));
    // As after a crash: every stage may run twice.
    await considerProposal(deps, row);
    expect(await watch()).toMatchObject({ state: "disagrees", output: RIGHT, proposedOutput: WRONG });
    expect((await watch()).reason).toContain("label");
    const [entry, ...more] = await challenges();
    expect(more).toEqual([]);
    expect(entry).toMatchObject({ to: ARBITER.address, value: ARBITER.bondWei, state: "planned" });
    expect((entry?.gas ?? 0n) * (entry?.maxFeePerGasCap ?? 0n)).toBeLessThanOrEqual(ARBITER.bondWei);
    expect(log.codes()).toContain("watch/wrong-proposal");
    expect(log.codes()).not.toContain("watch/bond-unaffordable");
  });

  test("challenged anew: a reorg may take back the challenge that came before ours", async () => {
    const row = await proposed(record, WRONG);
    await considerProposal(deps, row);
    await lookAgain(deps);
    await onSecondLook(deps, record.key, done(RIGHT));
    for (let count = 1; count <= 5; count++) {
      const latest = (await challenges()).at(-1);
      if (latest === undefined) throw new Error("nothing was planned");
      await subject.store.updateOutbox(
        { ...latest, state: "abandoned", updatedAt: chainNow + count },
        "planned",
      );
      await considerProposal(deps, row);
    }
    // Not for ever: what fails four times is not mended by sending.
    expect((await challenges()).map(({ id }) => id.at(-1))).toEqual(["0", "1", "2", "3"]);
  });

  test("disagrees: an operator that has an output of its own already need not run anything", async () => {
    const ours = requestOf("b");
    await subject.store.insertRequest({ ...ours, state: "waiting" });
    await subject.store.transition(ours.key, ["waiting"], "computed", {
      output: RIGHT,
      outputHash: keccak256(RIGHT),
    });
    await considerProposal(deps, await proposed(ours, WRONG));
    expect(await challenges(ours)).toHaveLength(1);
    expect(jobs.size).toBe(0);
  });

  test("warned: a bond that the account cannot pay is named, and the challenge waits for the money", async () => {
    balanceWei = 1n;
    await considerProposal(deps, await proposed(record, WRONG));
    await lookAgain(deps);
    await onSecondLook(deps, record.key, done(RIGHT));
    expect(log.codes()).toContain("watch/bond-unaffordable");
    expect(await challenges()).toHaveLength(1);
  });

  test("skipped: what is found wrong too late for a challenge to land is said, and not challenged", async () => {
    await considerProposal(deps, await proposed(record, WRONG));
    await lookAgain(deps);
    chainNow += (WINDOW - 10) * 1_000;
    await onSecondLook(deps, record.key, done(RIGHT));
    expect(await challenges()).toEqual([]);
    expect((await watch()).state).toBe("skipped");
    expect(log.codes()).toContain("watch/too-late");
  });

  test("failed: that we could not run the model says nothing about the answer", async () => {
    await considerProposal(deps, await proposed(record, WRONG));
    await lookAgain(deps);
    await onSecondLook(deps, record.key, { status: "failed", code: "model/not-found", message: "nowhere" });
    expect(await watch()).toMatchObject({ state: "failed", reason: "model/not-found: nowhere" });
    expect(await challenges()).toEqual([]);
  });

  test("failed: bytes that are no output of the model are no answer of ours", async () => {
    await considerProposal(deps, await proposed(record, WRONG));
    await lookAgain(deps);
    await onSecondLook(deps, record.key, done("0x01"));
    expect((await watch()).reason).toMatch(/^output\/malformed/);
    expect(await challenges()).toEqual([]);
  });

  test("waits: a manifest that cannot be had now is asked for again, one that never can ends it", async () => {
    const ours = requestOf("b");
    await subject.store.insertRequest({ ...ours, state: "waiting" });
    await subject.store.transition(ours.key, ["waiting"], "computed", {
      output: RIGHT,
      outputHash: keccak256(RIGHT),
    });
    const row = await proposed(ours, WRONG);
    manifestFailure = new CoprocessorError("later", { code: "model/fetch-failed", retry: "backoff" });
    await considerProposal(deps, row);
    expect(wakes).toEqual([chainNow + 5_000]);
    manifestFailure = new CoprocessorError("gone", { code: "model/not-found", retry: "never" });
    await considerProposal(deps, row);
    expect(await watch(ours)).toMatchObject({ state: "failed", reason: "model/not-found: gone" });
  });

  test("judged anew: a reorg may put another output in the place of the one that agreed", async () => {
    await considerProposal(deps, await proposed(record, CLOSE));
    await lookAgain(deps);
    await onSecondLook(deps, record.key, done(RIGHT));
    await considerProposal(deps, await proposed(record, WRONG));
    expect((await watch()).state).toBe("disagrees");
    expect(await challenges()).toHaveLength(1);
  });
});

describe("what is not looked at", () => {
  const untouched = async () => {
    await considerProposal(deps, await proposed(record, WRONG));
    expect(await subject.store.watch(record.key)).toBeNull();
  };

  test("left: what we signed", async () => {
    deps = { ...deps, me: 1 };
    await untouched();
  });

  test("left: what no jury would judge", async () => {
    deps = { ...deps, arbiterOf: () => null };
    await untouched();
  });

  test("left: what is not in our sample", async () => {
    deps = { ...deps, watch: { ...deps.watch, share: 0 } };
    await untouched();
  });

  test("left: a model that an operator has no seat for, or that is not among the named ones", async () => {
    deps = { ...deps, me: 7, watch: { ...deps.watch, serves: "our seats" } };
    await untouched();
    deps = { ...deps, watch: { ...deps.watch, serves: [hash("another model")] } };
    await untouched();
    deps = { ...deps, watch: { ...deps.watch, serves: [record.request.modelId] } };
    await considerProposal(deps, await proposed(record, WRONG));
    expect((await watch()).state).toBe("pending");
  });
});

describe("the queue's places", () => {
  test("bounded: as many at once as allowed, the window that ends first before the others, and late ones are named", async () => {
    const rows = [];
    for (const [label, later] of [
      ["b", 30],
      ["c", 10],
      ["d", 20],
      ["e", -WINDOW],
    ] as const) {
      const one = requestOf(label);
      await subject.store.insertRequest(one);
      rows.push(one);
      await considerProposal(deps, await proposed(one, RIGHT, later));
    }
    const [b, c, d, e] = rows as [RequestRecord, RequestRecord, RequestRecord, RequestRecord];
    await lookAgain(deps);
    expect([...jobs.keys()].sort()).toEqual([jobKey(c), jobKey(d)].sort());
    expect((await watch(e)).state).toBe("skipped");
    expect(log.codes()).toContain("watch/skipped");

    await onSecondLook(deps, c.key, done(RIGHT));
    await lookAgain(deps);
    expect([...jobs.keys()].sort()).toEqual([jobKey(b), jobKey(d)].sort());
  });

  test("skipped: a proposal that was decided before its turn needs no second look", async () => {
    await considerProposal(deps, await proposed(record, RIGHT));
    await subject.store.transition(record.key, ["proposed"], "settled");
    await lookAgain(deps);
    expect(jobs.size).toBe(0);
    expect((await watch()).state).toBe("skipped");
  });

  test("ignored: an outcome that nobody waits for", async () => {
    await onSecondLook(deps, requestKey(CHAIN_ID, ORACLE, hash("unknown")), done(RIGHT));
    expect(await subject.store.watches({ states: ["agrees", "disagrees"], limit: 10 })).toEqual([]);
  });
});
