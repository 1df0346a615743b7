import { join } from "node:path";
import type { Address } from "viem";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Network, startNetwork } from "../../scripts/network/startNetwork.ts";
import { Teardown } from "../../scripts/network/teardown.ts";
import { startWorkerProcess, type WorkerProcess } from "../../scripts/network/workerProcess.ts";
import { ensureRedis, startRedis } from "../../scripts/services/redis.ts";
import { deployBoard, HAM, post, SPAM, settled } from "./board.ts";
import { keepOnFailure } from "./keepOnFailure.ts";

const SECRET = "shared by the node and its workers only";
const DEATHS = 2;

const installation = await ensureRedis();
const skipped = "unavailable" in installation ? installation.unavailable : null;
const teardown = new Teardown();
let network: Network;
let board: Address;
let queueUrl: string;
let namespace: string;
let count = 0;

keepOnFailure(() => network);
beforeAll(async () => {
  if ("unavailable" in installation) return;
  const server = await startRedis(installation);
  teardown.add("Redis", () => server.stop());
  queueUrl = server.url;
  const env = { WORKER: "none", QUEUE_SECRET: SECRET };
  network = await startNetwork({ teardown, queueUrl, operators: 1, env });
  board = await deployBoard(network, { committeeSize: 1, quorum: 1 });
  const operatorId = network.operators[0]?.operatorId;
  namespace = `${network.client.chain.id}-${operatorId}`;
});
afterAll(async () => {
  await teardown.run();
  expect(teardown.failures).toEqual([]);
});

/** A worker that knows nothing but the queue: no key, no chain, no model but those that jobs name. */
function startWorker(secret = SECRET): Promise<WorkerProcess> {
  count += 1;
  const folder = join(network.folder, `worker-${count}`);
  const env = {
    QUEUE_URL: queueUrl,
    QUEUE_NAMESPACE: namespace,
    QUEUE_SECRET: secret,
    DATA_DIR: join(folder, "data"),
    MODEL_FOLDERS: join(folder, "models"),
    MODEL_PRIVATE_HOSTS: "allow",
    INFERENCE_THREADS: "1",
  };
  return startWorkerProcess({ name: `worker ${count}`, folder, env, teardown });
}

test.skipIf(skipped !== null)(
  `fleet: one node without a model runtime, three workers, kill -9 of them under load${skipped === null ? "" : ` (skipped: ${skipped})`}`,
  async () => {
    const workers = await Promise.all([startWorker(), startWorker(), startWorker()]);
    const texts = Array.from({ length: 8 }, (_, index) => `${index % 2 === 0 ? SPAM : HAM} (${index})`);
    const answered = [];
    for (let death = 0; death < DEATHS; death++) {
      const posts = [];
      for (const text of texts) posts.push(await post(network, board, text));
      await workers[death]?.kill();
      answered.push(...(await Promise.all(posts.map((posted) => settled(network, posted)))));
    }
    expect(answered).toHaveLength(texts.length * DEATHS);
    expect(new Set(answered.map(({ transaction }) => transaction)).size).toBe(answered.length);
    expect(answered.map(({ label }) => label)).toEqual(answered.map((_, index) => (index % 2 === 0 ? 1 : 0)));
    expect(await workers.at(-1)?.stop()).toBe(0);
  },
  120_000,
);

test.skipIf(skipped !== null)(
  `fleet: a worker without the node's secret answers nothing${skipped === null ? "" : ` (skipped: ${skipped})`}`,
  async () => {
    const stranger = await startWorker("a secret that somebody else made up");
    const posted = await post(network, board, HAM);
    const operator = network.operators[0];
    const reason = async () => (await operator?.explain(posted.requestId))?.reason ?? null;
    await expect.poll(reason, { timeout: 30_000 }).toContain("queue/bad-seal");
    expect(await stranger.stop()).toBe(0);
  },
  60_000,
);
