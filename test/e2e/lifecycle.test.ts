import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { RequestExplanation } from "@sibyl/coprocessor";
import { encodeInput, inferenceOracleAbi } from "@sibyl/sdk";
import type { Hex } from "viem";
import { afterAll, beforeAll, expect, test } from "vitest";
import { askBatch } from "../../scripts/network/askBatch.ts";
import { operatorAttester, privateKeyOf } from "../../scripts/network/devAccounts.ts";
import type { Operator } from "../../scripts/network/operator.ts";
import { type Network, startNetwork } from "../../scripts/network/startNetwork.ts";
import { Teardown } from "../../scripts/network/teardown.ts";
import { until } from "../../scripts/network/until.ts";
import { HAM, SPAM } from "./board.ts";
import { keepOnFailure } from "./keepOnFailure.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const COMMAND = join(ROOT, "coprocessor", "bin", "sibyl.js");
const TIMEOUT_MS = 60_000;
const WINDOW_MS = 2_000;

const teardown = new Teardown();
let network: Network;
let operator: Operator;

/** A `sibyl` process of the one operator, on its data. */
interface NodeProcess {
  child: ChildProcess;
  url: string;
  lines: Record<string, unknown>[];
  exited: Promise<number | null>;
}
let node: NodeProcess;

keepOnFailure(() => network);
beforeAll(async () => {
  network = await startNetwork({ teardown, operators: 1 });
  operator = network.operators[0] as Operator;
  await operator.stop();
  configure({ BATCH_WINDOW_MS: String(WINDOW_MS) });
  node = await start();
});
afterAll(async () => {
  await teardown.run();
  expect(teardown.failures).toEqual([]);
});

const configFile = () => join(operator.folder, "node.env");
const configure = (variables: Record<string, string>) =>
  writeFileSync(
    configFile(),
    Object.entries(variables)
      .map((entry) => entry.join("="))
      .join("\n"),
  );

const environment = () => ({
  PATH: process.env.PATH,
  RPC_URL: network.client.rpcUrl,
  ORACLE_ADDRESS: network.protocol.oracle,
  START_BLOCK: network.protocol.startBlock.toString(),
  MODEL_PRIVATE_HOSTS: "allow",
  MODEL_FOLDERS: operator.modelFolder,
  ATTESTER_KEY: privateKeyOf(operatorAttester(0)),
  DATA_DIR: join(operator.folder, "data"),
  P2P_LISTEN: "127.0.0.1:0",
  STATUS_LISTEN: "127.0.0.1:0",
  INFERENCE_THREADS: "1",
});

function run(args: string[]): { child: ChildProcess; exited: Promise<number | null>; errors: Buffer[] } {
  const child = spawn(process.execPath, [COMMAND, ...args], {
    env: environment(),
    stdio: ["ignore", "pipe", "pipe"],
  });
  const exited = once(child, "exit").then(([status]) => status as number | null);
  const errors: Buffer[] = [];
  child.stderr?.on("data", (chunk: Buffer) => errors.push(chunk));
  teardown.add("a node", async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
    await exited;
  });
  return { child, exited, errors };
}

async function start(): Promise<NodeProcess> {
  const { child, exited, errors } = run(["node", "--config", configFile()]);
  const lines: Record<string, unknown>[] = [];
  if (child.stdout === null) throw new Error("no output to read");
  createInterface({ input: child.stdout }).on("line", (line) => lines.push(JSON.parse(line)));
  const url = await until(
    "the node to be ready",
    async () => {
      const found = lines.find(({ statusUrl }) => statusUrl !== undefined)?.statusUrl as string | undefined;
      return found !== undefined && (await fetch(`${found}/readyz`)).ok ? found : null;
    },
    {
      timeoutMs: TIMEOUT_MS,
      failure: () => (child.exitCode === null ? null : new Error(Buffer.concat(errors).toString())),
    },
  );
  return { child, url, lines, exited };
}

const logged = (message: string) =>
  until(`the log to say: ${message}`, async () => node.lines.find(({ msg }) => msg === message) ?? null, {
    timeoutMs: TIMEOUT_MS,
  });

/** Asks in one transaction, so that the requests open in one block. */
async function ask(texts: readonly string[]): Promise<Hex[]> {
  const { modelId } = network.model;
  const questions = texts.map((text) => ({ modelId, input: encodeInput("text", text) }));
  const policy = { committeeSize: 1, quorum: 1, challengeWindow: 0 };
  const opened = await askBatch(network, questions, { policy, lifetimeSeconds: 60 });
  return opened.map(({ requestId }) => requestId);
}

async function explain(requestId: Hex): Promise<RequestExplanation | null> {
  const response = await fetch(`${node.url}/requests/${requestId}`);
  return response.ok ? ((await response.json()) as RequestExplanation) : null;
}

const inState = (requestId: Hex, state: string): Promise<RequestExplanation> =>
  until(
    `${requestId} to be ${state}`,
    async () => {
      const found = await explain(requestId);
      if (found?.state === state) return found;
      throw new Error(`${found?.state}: ${found?.reason}`);
    },
    { timeoutMs: TIMEOUT_MS },
  );

/** The transaction that settled a request, by the chain. */
const settledIn = (requestId: Hex): Promise<Hex> =>
  until(
    `${requestId} to be settled`,
    async () => {
      const [event] = await network.client.reader.getContractEvents({
        abi: inferenceOracleAbi,
        address: network.protocol.oracle,
        eventName: "RequestSettled",
        args: { requestId },
        fromBlock: network.protocol.startBlock,
      });
      return event?.transactionHash ?? null;
    },
    { timeoutMs: TIMEOUT_MS },
  );

test("healthy: loops turn, and a ready node gives no reasons", async () => {
  const health = await fetch(`${node.url}/healthz`);
  expect(health.status).toBe(200);
  expect(await health.json()).toMatchObject({
    ok: true,
    faults: [],
    loopsMs: { chain: expect.any(Number), outbox: expect.any(Number) },
  });
  expect(await (await fetch(`${node.url}/readyz`)).json()).toEqual({ ready: true, reasons: [] });
});

test("settled: five requests that are due together take fewer transactions than five", async () => {
  const ids = await ask([HAM, SPAM, `${HAM} One.`, `${HAM} Two.`, `${SPAM} Three.`]);
  const transactions = await Promise.all(ids.map(settledIn));
  expect(new Set(transactions).size).toBeLessThan(5);
  const mined = await until(
    "the outbox to have seen the block",
    async () =>
      (await explain(ids[0] as Hex))?.transactions.find(
        ({ kind, state }) => kind === "settle" && state === "mined",
      ) ?? null,
    { timeoutMs: TIMEOUT_MS },
  );
  expect(mined).toMatchObject({ hash: transactions[0], reason: null });
});

test("refused: a second node on the same data is told who runs", async () => {
  const { exited, errors } = run(["node", "--config", configFile()]);
  expect(await exited).toBe(1);
  expect(Buffer.concat(errors).toString()).toMatch(
    new RegExp(`^store/locked: data directory is in use by process ${node.child.pid} `),
  );
});

test("reloaded: a new floor counts at once, and what takes a restart is named", async () => {
  configure({ BATCH_WINDOW_MS: String(WINDOW_MS), MIN_FEES: "native=999999999999999999", REPEAT_MS: "900" });
  node.child.kill("SIGHUP");
  expect(await logged("configuration read again")).toMatchObject({
    applied: ["MIN_FEES"],
    needsRestart: ["REPEAT_MS"],
  });
  const [cheap] = await ask([HAM]);
  const { reason } = await inState(cheap as Hex, "parked");
  expect(reason).toMatch(
    /^admission\/fee-too-low: a run earns \d+ wei, this operator asks for 999999999999999999$/,
  );
  configure({ BATCH_WINDOW_MS: String(WINDOW_MS) });
  node.child.kill("SIGHUP");
  const [answered] = await ask([`${HAM} Again.`]);
  await settledIn(answered as Hex);
});

test("drained: SIGTERM finishes what is signed, takes nothing new, and ends with 0", async () => {
  const [requestId] = await ask([`${HAM} Last words.`]);
  await inState(requestId as Hex, "attested");
  node.child.kill("SIGTERM");
  expect(await node.exited).toBe(0);
  expect(node.lines.some(({ msg }) => msg === "drained")).toBe(true);
  await settledIn(requestId as Hex);
});

test("forced: a second signal does not wait, and nothing is lost", async () => {
  configure({ BATCH_WINDOW_MS: "3600000", DRAIN_TIMEOUT_MS: "3600000" });
  node = await start();
  const [requestId] = await ask([`${SPAM} Twice.`]);
  await inState(requestId as Hex, "attested");
  node.child.kill("SIGTERM");
  await logged("draining");
  const readiness = await fetch(`${node.url}/readyz`);
  expect(readiness.status).toBe(503);
  expect(await readiness.json()).toMatchObject({ reasons: [expect.stringMatching(/^node\/draining/)] });
  node.child.kill("SIGTERM");
  expect(await node.exited).toBe(1);
  configure({});
  node = await start();
  await settledIn(requestId as Hex);
});

test("rebuilt: refused while the node runs; afterwards every request is what it was, and nothing signed is lost", async () => {
  const all = async () =>
    (await (await fetch(`${node.url}/requests?limit=100`)).json()) as RequestExplanation[];
  const settledOnes = (list: RequestExplanation[]) =>
    list
      .filter(({ state }) => state === "settled")
      .map(({ requestId, settledOutput, transactions }) => ({ requestId, settledOutput, transactions }))
      .sort((a, b) => (a.requestId < b.requestId ? -1 : 1));
  const before = await until(
    "the node to know how everything ended",
    async () => {
      const list = await all();
      const over = list.every(
        ({ state, transactions }) =>
          state === "parked" ||
          (state === "settled" && transactions.every((transaction) => transaction.state === "mined")),
      );
      return over ? settledOnes(list) : null;
    },
    { timeoutMs: TIMEOUT_MS },
  );
  expect(before.length).toBeGreaterThan(5);

  const plan = run(["rebuild", "--config", configFile()]);
  expect(await plan.exited).toBe(0);
  const refused = run(["rebuild", "--config", configFile(), "--yes"]);
  expect(await refused.exited).toBe(1);
  expect(Buffer.concat(refused.errors).toString()).toMatch(/^store\/locked: /);

  node.child.kill("SIGTERM");
  expect(await node.exited).toBe(0);
  const rebuilt = run(["rebuild", "--config", configFile(), "--yes"]);
  const printed: Buffer[] = [];
  rebuilt.child.stdout?.on("data", (chunk: Buffer) => printed.push(chunk));
  expect(await rebuilt.exited, Buffer.concat(rebuilt.errors).toString()).toBe(0);
  expect(Buffer.concat(rebuilt.errors).toString()).toMatch(/100% block \d+ of \d+, \d+ requests seen/);
  const told = JSON.parse(Buffer.concat(printed).toString()) as {
    forgotten: { requests: number };
    requests: Record<string, number>;
  };
  expect(told.forgotten.requests).toBeGreaterThanOrEqual(before.length);
  expect(told.requests.settled).toBe(before.length);

  node = await start();
  expect(settledOnes(await all())).toEqual(before);
});
