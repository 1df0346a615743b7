import {
  encodeDemand,
  encodeInput,
  encodeOutput,
  encodeReport,
  inferenceActions,
  inferenceOracleAbi,
  type OpenedRequest,
  openedRequests,
  openingCourtAbi,
  operatorRegistryAbi,
  outputHash,
} from "@sibyl/sdk";
import { type Hex, isAddressEqual, keccak256, parseGwei, stringToHex } from "viem";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { discoverOpeningCourts, type OpeningCourts } from "../../../coprocessor/chain/openingCourts.ts";
import type { Chain } from "../../../coprocessor/chain/port.ts";
import { createRpcChain } from "../../../coprocessor/chain/rpcChain.ts";
import { createRpcStakes } from "../../../coprocessor/chain/rpcStakes.ts";
import { ChainClock } from "../../../coprocessor/core/chainClock.ts";
import type { Finding } from "../../../coprocessor/core/evidence.ts";
import type { AttestationMessage, CommitMessage } from "../../../coprocessor/core/messages.ts";
import { isCourtKind } from "../../../coprocessor/core/outbox.ts";
import { PendingMessages } from "../../../coprocessor/core/pendingMessages.ts";
import { type RequestRecord, requestKey } from "../../../coprocessor/core/request.ts";
import { Workload } from "../../../coprocessor/core/workload.ts";
import { createPrivateKeySigner } from "../../../coprocessor/keys/privateKey.ts";
import { demandOfJob, onRecomputed } from "../../../coprocessor/pipeline/answerDemands.ts";
import { type Court, createCourt, isCourtNeeded } from "../../../coprocessor/pipeline/court.ts";
import type { CourtDeps } from "../../../coprocessor/pipeline/courtDeps.ts";
import { explainDemand, explainEvidence } from "../../../coprocessor/pipeline/explainEvidence.ts";
import { keepEvidence } from "../../../coprocessor/pipeline/keepEvidence.ts";
import { onStep } from "../../../coprocessor/pipeline/onStep.ts";
import { driveOutbox } from "../../../coprocessor/pipeline/outbox.ts";
import { saltFor } from "../../../coprocessor/pipeline/saltFor.ts";
import type { InferenceJob } from "../../../coprocessor/queue/port.ts";
import { connectRpc, type RpcClient } from "../../../coprocessor/rpc/rpcClient.ts";
import { createViemSender } from "../../../coprocessor/submit/viemSender.ts";
import {
  asker,
  author,
  operatorAttester,
  operatorOwner,
  privateKeyOf,
  publisher,
} from "../../../scripts/network/devAccounts.ts";
import { type OracleNetwork, startOracleNetwork } from "../../sdk/oracleNetwork.ts";
import { collectedLog } from "../collectedLog.ts";
import type { StoreUnderTest } from "../store/conformance.ts";
import { openEmbeddedStore } from "../store/embedded.ts";
import { RUNTIME } from "../store/fixtures.ts";
import { attestation as sayAttested, commit as sayCommitted } from "./statements.ts";

/** `exact`, with scalars as outputs. */
const MODEL_ID = keccak256(stringToHex("a model whose operators go to court"));
const ME = 1;
const [SEVEN, EIGHT] = [encodeOutput("scalar", 7n), encodeOutput("scalar", 8n)] as [Hex, Hex];
const ETHER = 10n ** 18n;

let network: OracleNetwork;
let rpc: RpcClient;
let courts: OpeningCourts;
let subject: StoreUnderTest;
let snapshot: Hex;

let deps: CourtDeps;
let court: Court;
let chain: Chain;
let log: ReturnType<typeof collectedLog>;
let now: number;
let jobs: InferenceJob[];
let opened: OpenedRequest;
let record: RequestRecord;

// The compiler may have to run first.
beforeAll(async () => {
  [network, subject] = await Promise.all([startOracleNetwork(MODEL_ID), openEmbeddedStore()]);
  rpc = await connectRpc({ urls: [network.client.rpcUrl], log: collectedLog() });
  courts = await discoverOpeningCourts(rpc, network.operatorRegistry, 0n);
}, 240_000);
afterAll(async () => {
  await rpc?.close();
  await Promise.all([network?.stop(), subject?.close()]);
});

const scope = () => ({ chainId: network.client.chain.id, oracle: network.oracle });
const registry = () => ({ abi: operatorRegistryAbi, address: network.operatorRegistry }) as const;
const openingCourt = () => ({ abi: openingCourtAbi, address: network.openingCourt }) as const;

beforeEach(async () => {
  if (snapshot !== undefined) await network.test.revert({ id: snapshot });
  snapshot = await network.test.snapshot();
  await subject.clear();
  log = collectedLog();
  jobs = [];
  now = Date.now();
  // The reporter's and demander's account; it signs no statements here, but its salts are ours.
  const key = createPrivateKeySigner(privateKeyOf(asker()));
  deps = {
    scope: scope(),
    me: ME,
    store: subject.store,
    queue: { add: async (job: InferenceJob) => void jobs.push(job), remove: async () => {} },
    key,
    pending: new PendingMessages({ requests: 1, messagesPerRequest: 1, ttlMs: 1 }),
    waiting: new Map(),
    workload: new Workload(() => {
      throw new Error("the court takes no job of a request");
    }),
    timing: { commitGraceMs: 0, revealGraceMs: 0, viewTimeoutMs: 1, settleDelayMs: 0, standbyDelayMs: 0 },
    log,
    now: () => now,
    clock: new ChainClock(),
    wake: () => {},
    pokeOutbox: () => {},
    pokeCourt: () => {},
    examineLater: () => {},
    submit: createViemSender({
      rpc,
      account: key.account,
      errors: [...inferenceOracleAbi, ...operatorRegistryAbi, ...openingCourtAbi],
    }),
    stakes: createRpcStakes(rpc, network.operatorRegistry, courts),
    policy: { report: "pays", reportStopLossWei: 0n, demandShare: 1, demandStopLossWei: ETHER },
    standing: new Map(),
  } as unknown as CourtDeps;
  court = createCourt(deps, () => true);
  const { oracle, operatorRegistry, modelRegistry } = network;
  chain = await createRpcChain({
    rpc,
    contracts: { oracle, operatorRegistry, modelRegistry },
    courts,
    startBlock: 0n,
    confirmations: 1_000,
    pollIntervalMs: 10,
    log,
  });
  opened = await ask();
  await catchUp();
  const row = await subject.store.request(requestKey(scope().chainId, network.oracle, opened.requestId));
  if (row === null) throw new Error("the request was not drawn");
  record = row;
}, 60_000);

async function ask(): Promise<OpenedRequest> {
  const { timestamp } = await network.client.reader.getBlock();
  const { transactionHash } = await network.client
    .as(author())
    .extend(inferenceActions(network))
    .requestInference({
      modelId: MODEL_ID,
      input: encodeInput("text", "How many?"),
      policy: { committeeSize: 3, quorum: 2, challengeWindow: 0 },
      callbackGasLimit: 100_000,
      maxGasPrice: 10n ** 12n,
      deadline: Number(timestamp) + 600,
    });
  const { logs } = await network.client.mined(transactionHash, "request");
  const [one] = openedRequests(logs, network.oracle);
  if (one === undefined) throw new Error("no RequestOpened in the receipt");
  return one;
}

/** Takes all that the chain said into the store, and its time for ours. */
async function catchUp(): Promise<void> {
  const head = await chain.head();
  const known = await subject.store.blocks();
  const stopping = new AbortController();
  if (known.at(-1)?.hash !== head.hash) {
    for await (const step of chain.follow(known, stopping.signal)) {
      await onStep(deps, step);
      if (step.type === "blocks" && step.head.number >= head.number) break;
    }
  }
  stopping.abort();
  now = head.timestamp * 1_000;
  deps.clock.observe(head, true, now);
}

/** Sends what is planned, until nothing moves any more. */
async function send(): Promise<void> {
  const outbox = {
    store: subject.store,
    submit: deps.submit,
    log,
    isNeeded: async (key: string, kind: Parameters<typeof isCourtKind>[0]) =>
      isCourtKind(kind) && isCourtNeeded(deps, key, kind),
  };
  for (let round = 0; round < 3; round++) await driveOutbox(outbox, now);
  await catchUp();
}

const attestation = (operatorId: number, output: Hex, view = 0): Promise<AttestationMessage> =>
  sayAttested(
    operatorAttester(operatorId - 1),
    { ...scope(), requestId: opened.requestId, operatorId },
    output,
    view,
  );

async function commit(operatorId: number, output: Hex): Promise<CommitMessage> {
  const salt = await saltFor(deps, opened.requestId);
  const about = { ...scope(), requestId: opened.requestId, operatorId };
  return sayCommitted(operatorAttester(operatorId - 1), about, output, salt);
}

async function equivocation(operatorId: number, otherView = 0): Promise<Finding> {
  return {
    operatorId,
    offence: otherView === 0 ? "two-outputs" : "two-outputs-across-views",
    fact: "two outputs",
    statements: [await attestation(operatorId, SEVEN), await attestation(operatorId, EIGHT, otherView)],
    outputs: [],
    ours: null,
  };
}

async function keep(finding: Finding): Promise<Hex> {
  await keepEvidence(deps, record, [finding]);
  const [row] = await subject.store.evidence.list({
    operatorId: finding.operatorId,
    offences: [finding.offence],
    limit: 1,
  });
  if (row === undefined) throw new Error("nothing kept");
  return row.id;
}

async function explained(id: Hex) {
  const proof = await subject.store.evidence.find(id);
  if (proof === null) throw new Error("no such evidence");
  return explainEvidence(deps, proof);
}

const planned = async () => (await subject.store.outbox({ states: ["planned"] })).map(({ kind }) => kind);
const stakeOf = (operatorId: number) =>
  network.client.reader.readContract({ ...registry(), functionName: "stakeOf", args: [operatorId] });

/** As another operator would. */
async function slashAs(operatorId: number): Promise<void> {
  const [first, second] = (await equivocation(operatorId)).statements as [
    AttestationMessage,
    AttestationMessage,
  ];
  const data = encodeReport({
    oracle: network.oracle,
    requestId: opened.requestId,
    request: opened.words,
    first,
    second,
  });
  const hash = await network.client.as(publisher()).sendTransaction({ to: network.operatorRegistry, data });
  await network.client.mined(hash, "slash");
}

describe("courts", () => {
  test("found: the opening court among the registry's judges, and not the jury", () => {
    expect(courts.addresses()).toHaveLength(1);
    expect(isAddressEqual(courts.addresses()[0] as Hex, network.openingCourt)).toBe(true);
  });
});

/** The first events of the kind that a follower with these courts is told. */
async function follow(following: OpeningCourts): Promise<string[]> {
  const { oracle, operatorRegistry, modelRegistry } = network;
  const contracts = { oracle, operatorRegistry, modelRegistry };
  const follower = await createRpcChain({ rpc, contracts, courts: following, startBlock: 0n, log });
  const head = await follower.head();
  const stopping = new AbortController();
  const told: string[] = [];
  for await (const step of follower.follow([], stopping.signal)) {
    if (step.type !== "blocks") continue;
    told.push(...step.events.map(({ type }) => type));
    if (step.head.number >= head.number) break;
  }
  stopping.abort();
  return told;
}

describe("reports", () => {
  test.each([0, 1])("slashed: the reporter is paid, once (second attestation in view %i)", async (view) => {
    const id = await keep(await equivocation(3, view));
    await court.look();
    await court.look();
    expect(await planned()).toEqual(["report"]);
    await send();
    expect(await stakeOf(3)).toBe(0n);
    const reward = await network.client.reader.readContract({
      ...registry(),
      functionName: "rewardsOf",
      args: [deps.key.address],
    });
    expect(reward).toBe(ETHER / 10n);
    expect(await explained(id)).toMatchObject({ status: "done", reason: expect.stringContaining("to us") });
    await court.look();
    expect(await planned()).toEqual([]);
  });

  test("done: another reporter came first, before or after ours was planned", async () => {
    const id = await keep(await equivocation(3));
    await slashAs(3);
    // The event is not read yet, and nothing is sent that would revert.
    await court.look();
    expect(await planned()).toEqual([]);
    expect(await explained(id)).toMatchObject({ status: "waiting", reason: "reported by another" });
    await catchUp();
    expect(await explained(id)).toMatchObject({ status: "done" });

    const late = await keep(await equivocation(2));
    await court.look();
    expect(await planned()).toEqual(["report"]);
    await slashAs(2);
    await catchUp();
    await send();
    expect(await planned()).toEqual([]);
    expect(await explained(late)).toMatchObject({ status: "done" });
  });

  test("left: gas that costs more than the reward, until it falls; and never, when that is said", async () => {
    const id = await keep(await equivocation(3));
    await network.test.setNextBlockBaseFeePerGas({ baseFeePerGas: parseGwei("5000") });
    await network.test.mine({ blocks: 1 });
    await catchUp();
    await court.look();
    expect(await planned()).toEqual([]);
    expect((await explained(id)).reason).toMatch(/^report\/stop-loss: /);
    await network.test.setNextBlockBaseFeePerGas({ baseFeePerGas: parseGwei("1") });
    await network.test.mine({ blocks: 1 });
    await catchUp();
    deps.policy.report = "never";
    await court.look();
    expect((await explained(id)).reason).toMatch(/^report\/switched-off/);
    deps.policy.report = "pays";
    await court.look();
    expect(await planned()).toEqual(["report"]);
  });

  test("never reported: ourselves; the log says that somebody else has our key", async () => {
    const id = await keep(await equivocation(ME));
    await court.look();
    expect(await planned()).toEqual([]);
    expect((await explained(id)).reason).toMatch(/^report\/ourselves/);
  });
});

async function demandAgainst(operatorId: number, committed: Hex, attested: Hex): Promise<void> {
  const [sealed, said] = [await commit(operatorId, committed), await attestation(operatorId, attested)];
  const { data } = encodeDemand({
    oracle: network.oracle,
    request: opened.words,
    operatorId,
    commitment: sealed.commitment,
    commitSignature: sealed.signature,
    attestedOutput: attested,
    view: 0,
    attestationSignature: said.signature,
  });
  const { bondWei } = await network.client.reader.readContract({
    ...openingCourt(),
    functionName: "parameters",
  });
  const hash = await network.client
    .as(publisher())
    .sendTransaction({ to: network.openingCourt, data, value: bondWei });
  await network.client.mined(hash, "demand");
  await catchUp();
}

const done = (output: Hex) => ({ status: "done", output, runtime: RUNTIME, loadMs: 0, runMs: 0 }) as const;
const openings = async () =>
  (await subject.store.evidence.demands({ states: ["pending", "opened", "missed"], limit: 10 })).map((row) =>
    explainDemand(deps, row),
  );

describe("openings", () => {
  test("followed: a court that is trusted only while the chain is followed, from its first demand on", async () => {
    await demandAgainst(2, SEVEN, SEVEN);
    const head = await network.client.reader.getBlockNumber();
    const late = await discoverOpeningCourts(rpc, network.operatorRegistry, head + 1n);
    expect(late.addresses()).toEqual([]);
    const told = await follow(late);
    expect(told.filter((type) => type === "OpeningDemanded")).toHaveLength(1);
    expect(told.filter((type) => type === "RequestOpened")).toHaveLength(1);
    expect(late.addresses()).toEqual(courts.addresses());
  });

  test("opened: with the output that we have", async () => {
    await subject.store.transition(record.key, ["waiting"], "computed", {
      output: SEVEN,
      outputHash: outputHash(SEVEN),
    });
    await demandAgainst(ME, SEVEN, SEVEN);
    await court.look();
    expect(jobs).toEqual([]);
    await send();
    expect(await openings()).toMatchObject([{ state: "opened", against: "us" }]);
    const bond = await network.client.reader.readContract({
      ...openingCourt(),
      functionName: "bondsOf",
      args: [operatorOwner(0).address],
    });
    expect(bond).toBeGreaterThan(0n);
  });

  test("opened: with an output that was lost and is computed again, by a job of its own", async () => {
    await demandAgainst(ME, SEVEN, SEVEN);
    await court.look();
    expect(await planned()).toEqual([]);
    const [job] = jobs;
    expect(job).toMatchObject({ modelId: MODEL_ID, input: record.input });
    const demandId = demandOfJob(job?.key ?? "");
    if (demandId === null) throw new Error("no job of a demand");
    expect(demandOfJob(record.key)).toBeNull();
    await onRecomputed(deps, demandId, done(SEVEN));
    await court.look();
    await send();
    expect(await openings()).toMatchObject([{ state: "opened" }]);
  });

  test.each([
    ["another output than it committed to", done(EIGHT), /opening\/does-not-open/],
    [
      "no output",
      { status: "failed", code: "model/missing", message: "gone" } as const,
      /not-recomputed: model\/missing/,
    ],
  ])("parked, loudly: the model gives %s, and nothing is sent", async (_, outcome, reason) => {
    await demandAgainst(ME, SEVEN, SEVEN);
    await court.look();
    await onRecomputed(deps, demandOfJob(jobs[0]?.key ?? "") as Hex, outcome);
    await court.look();
    expect(await planned()).toEqual([]);
    expect(await openings()).toMatchObject([{ state: "pending", reason: expect.stringMatching(reason) }]);
    expect(JSON.stringify(log.lines.filter(({ level }) => level === "error"))).toMatch(reason);
  });

  test("left alone: a demand against another operator", async () => {
    await demandAgainst(2, SEVEN, SEVEN);
    await court.look();
    expect([await planned(), jobs]).toEqual([[], []]);
    expect(await openings()).toMatchObject([{ state: "pending", against: "operator 2" }]);
  });
});

describe("demands", () => {
  const unopened = async (): Promise<Finding> => ({
    operatorId: 2,
    offence: "unopened",
    fact: "never opened",
    statements: [await commit(2, EIGHT), await attestation(2, SEVEN)],
    outputs: [SEVEN],
    ours: null,
  });
  /** A reveal that is on the way gets its time. */
  const later = () => {
    now += 61_000;
  };

  test("missed: silence costs the operator, and brings the bond and the reward", async () => {
    const id = await keep(await unopened());
    await court.look();
    expect(await planned()).toEqual([]);
    later();
    await court.look();
    await court.look();
    expect(await planned()).toEqual(["demand"]);
    await send();
    expect(await openings()).toMatchObject([{ state: "pending", demander: deps.key.address }]);
    expect(await explained(id)).toMatchObject({
      status: "done",
      reason: expect.stringContaining("demand in"),
    });

    await court.look();
    expect(await planned()).toEqual([]);
    const { openingSeconds, bondWei } = await network.client.reader.readContract({
      ...openingCourt(),
      functionName: "parameters",
    });
    await network.test.increaseTime({ seconds: openingSeconds + 2 });
    await network.test.mine({ blocks: 1 });
    await catchUp();
    const before = await stakeOf(2);
    await court.look();
    expect(await planned()).toEqual(["close"]);
    await send();
    expect(await stakeOf(2)).toBe((before * 9_500n) / 10_000n);
    expect(await openings()).toMatchObject([{ state: "missed", rewardWei: String(before / 200n) }]);
    const bonds = await network.client.reader.readContract({
      ...openingCourt(),
      functionName: "bondsOf",
      args: [deps.key.address],
    });
    expect(bonds).toBe(bondWei);
  });

  test("not demanded: outside of our share, beyond the stop-loss, or opened to us meanwhile", async () => {
    const id = await keep(await unopened());
    later();
    deps.policy.demandShare = 0;
    await court.look();
    expect((await explained(id)).reason).toMatch(/^demand\/not-sampled/);
    deps.policy.demandShare = 1;
    deps.policy.demandStopLossWei = 1n;
    await court.look();
    expect((await explained(id)).reason).toMatch(/^demand\/stop-loss/);
    const sealed = await commit(2, EIGHT);
    const salt = await saltFor(deps, opened.requestId);
    await subject.store.addPeerMessage(
      record.key,
      { kind: "reveal", requestId: opened.requestId, operatorId: 2, output: EIGHT, salt, commits: [sealed] },
      now,
    );
    deps.policy.demandStopLossWei = ETHER;
    await court.look();
    expect((await explained(id)).reason).toBe("opened to us meanwhile");
    expect(await planned()).toEqual([]);
  });

  test("not demanded: what somebody else demanded, and what is too old for the court", async () => {
    const id = await keep(await unopened());
    await demandAgainst(2, EIGHT, SEVEN);
    later();
    await court.look();
    expect((await explained(id)).reason).toMatch(/^demanded: 0x/);

    const { demandSeconds } = await network.client.reader.readContract({
      ...openingCourt(),
      functionName: "parameters",
    });
    await network.test.increaseTime({ seconds: demandSeconds + 1 });
    await network.test.mine({ blocks: 1 });
    await catchUp();
    const second = await keep({ ...(await unopened()), offence: "opened-otherwise" });
    later();
    await court.look();
    expect(await planned()).toEqual([]);
    expect((await explained(second)).status).toBe("waiting");
  });
});
