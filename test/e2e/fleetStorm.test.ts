import { join } from "node:path";
import { type JobQueue, openJobQueue } from "@sibyl/coprocessor";
import { encodeInput, inferenceOracleAbi } from "@sibyl/sdk";
import { type Hex, parseEther, parseEventLogs, parseGwei } from "viem";
import { afterAll, beforeAll, expect, test } from "vitest";
import { author } from "../../scripts/network/devAccounts.ts";
import type { Operator } from "../../scripts/network/operator.ts";
import type { ServedModel } from "../../scripts/network/serveModels.ts";
import { type Network, startNetwork } from "../../scripts/network/startNetwork.ts";
import { Teardown } from "../../scripts/network/teardown.ts";
import { until } from "../../scripts/network/until.ts";
import { startWorkerProcess, type WorkerProcess } from "../../scripts/network/workerProcess.ts";
import { ensureRedis, startRedis } from "../../scripts/services/redis.ts";
import { keepOnFailure } from "./keepOnFailure.ts";

const KILLS = Number(process.env.FLEET_KILLS ?? "10");
const WORKERS = 3;
const REQUESTS_PER_KILL = 72;
const LIFETIME_SECONDS = 120;
const PROMPTS = ["The whale ", "Call me ", "Upon the sea ", "The captain said "];
/** From kill -9 until every job that was open then has its output. */
const RECOVERY_MS = 10_000;
const LOOK = { timeoutMs: 60_000 };

const installation = await ensureRedis();
const skipped = "unavailable" in installation ? ` (skipped: ${installation.unavailable})` : "";
const teardown = new Teardown();
const workers: WorkerProcess[] = [];
let network: Network;
let node: Operator;
let model: ServedModel;
let queueUrl: string;
let queue: JobQueue;
let count = 0;

keepOnFailure(() => network);
beforeAll(async () => {
  if ("unavailable" in installation) return;
  const server = await startRedis(installation);
  teardown.add("Redis", () => server.stop());
  queueUrl = server.url;
  network = await startNetwork({
    teardown,
    queueUrl,
    operators: 1,
    env: { WORKER: "none", WORKER_LANES: String(WORKERS) },
  });
  model = await network.addModel("moby-lm");
  const [only] = network.operators;
  if (only === undefined) throw new Error("one operator expected");
  node = only;
  const namespace = `${network.client.chain.id}-${only.operatorId}`;
  queue = await openJobQueue({ url: queueUrl, namespace });
  teardown.add("queue", () => queue.close());
  for (let index = 0; index < WORKERS; index++) workers.push(await startWorker());
});
afterAll(async () => {
  await teardown.run();
  expect(teardown.failures).toEqual([]);
});

function startWorker(): Promise<WorkerProcess> {
  count += 1;
  const folder = join(network.folder, `worker-${count}`);
  const env = {
    QUEUE_URL: queueUrl,
    QUEUE_NAMESPACE: `${network.client.chain.id}-${node.operatorId}`,
    DATA_DIR: join(folder, "data"),
    MODEL_FOLDERS: join(folder, "models"),
    MODEL_PRIVATE_HOSTS: "allow",
    INFERENCE_THREADS: "1",
  };
  return startWorkerProcess({ name: `worker ${count}`, folder, env, teardown });
}

test.skipIf(skipped !== "")(
  `fleet: kill -9 of one of three workers under load, ${KILLS} times: nothing lost, nothing answered twice, p99 recovery within 10 s${skipped}`,
  async () => {
    // A fleet under load has its model loaded.
    const asked = await ask(WORKERS * 8);
    await until(
      "the first requests to settle",
      async () => ((await settlements()).length === asked.length ? true : null),
      LOOK,
    );
    const recoveryMs: number[] = [];
    for (let kill = 0; kill < KILLS; kill++) {
      const asking = ask(REQUESTS_PER_KILL);
      // The queue itself is asked: a warm fleet is through before a node's status has come.
      await until(
        "the workers to be at work",
        async () => ((await queue.counts()).active >= WORKERS ? true : null),
        { ...LOOK, everyMs: 2 },
      );
      const place = kill % WORKERS;
      await workers[place]?.kill();
      const killedAt = Date.now();
      const open = await asking;
      asked.push(...open);
      const openMs: number[] = [];
      for (const requestId of open) {
        const computedAt = await until(
          `the output of ${requestId}`,
          async () => (await receiptOf(requestId))?.computedAt,
          LOOK,
        );
        if (computedAt > killedAt) openMs.push(computedAt - killedAt);
      }
      console.log(
        `kill ${kill + 1}: ${openMs.length} of ${open.length} jobs open, ${Math.max(0, ...openMs)} ms`,
      );
      recoveryMs.push(...openMs);
      workers[place] = await startWorker();
    }
    const settled = await until(
      "every request to settle",
      async () => {
        const events = await settlements();
        return events.length >= asked.length ? events : null;
      },
      LOOK,
    );
    expect(settled.sort()).toEqual(asked.toSorted());
    const sorted = recoveryMs.toSorted((a, b) => a - b);
    const at = (share: number) => sorted[Math.ceil(sorted.length * share) - 1] ?? 0;
    const open = sorted.length;
    const figures = {
      kills: KILLS,
      asked: asked.length,
      open,
      p50Ms: at(0.5),
      p99Ms: at(0.99),
      maxMs: at(1),
    };
    console.log(`fleet: ${JSON.stringify(figures)}`);
    // Kills that hit nobody at work would prove nothing.
    expect(open).toBeGreaterThan(KILLS * WORKERS);
    expect(figures.p99Ms).toBeLessThan(RECOVERY_MS);
  },
  KILLS * 60_000,
);

/** Asks for texts of the language model, all in one transaction, so that the workers have a queue before them. */
async function ask(requests: number): Promise<Hex[]> {
  const { client, protocol } = network;
  const { timestamp } = await client.reader.getBlock();
  const params = Array.from({ length: requests }, (_, place) => ({
    modelId: model.modelId,
    input: encodeInput("text", PROMPTS[place % PROMPTS.length] ?? ""),
    policy: { committeeSize: 1, quorum: 1, challengeWindow: 0 },
    callbackGasLimit: 50_000n,
    deadline: Number(timestamp) + LIFETIME_SECONDS,
    maxGasPrice: parseGwei("20"),
    maxFee: parseEther("1"),
  }));
  const hash = await client.as(author()).writeContract({
    abi: inferenceOracleAbi,
    address: protocol.oracle,
    functionName: "requestBatch",
    args: [params],
    value: parseEther("5"),
  });
  const { logs } = await client.mined(hash, "asking");
  return parseEventLogs({ abi: inferenceOracleAbi, eventName: "RequestOpened", logs }).map(
    ({ args }) => args.requestId,
  );
}

async function settlements(): Promise<Hex[]> {
  const events = await network.client.reader.getContractEvents({
    abi: inferenceOracleAbi,
    address: network.protocol.oracle,
    eventName: "RequestSettled",
    fromBlock: network.protocol.startBlock,
    strict: true,
  });
  return events.map(({ args }) => args.requestId);
}

/** What the node keeps of a run, as soon as it has its output. */
async function receiptOf(requestId: Hex): Promise<{ computedAt: number } | null> {
  const response = await fetch(`${node.process?.statusUrl}/receipts/${requestId}`);
  return response.ok ? ((await response.json()) as { computedAt: number }) : null;
}
