import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Hex } from "viem";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Anvil, startAnvil } from "../../scripts/network/anvil.ts";
import { askBatch } from "../../scripts/network/askBatch.ts";
import { buildContracts } from "../../scripts/network/buildContracts.ts";
import { type ChainClient, chainClient } from "../../scripts/network/chainClient.ts";
import { deployProtocol, type Protocol } from "../../scripts/network/deployProtocol.ts";
import { ENDOWED_ACCOUNTS, operatorAttester, privateKeyOf } from "../../scripts/network/devAccounts.ts";
import { endWithUs } from "../../scripts/network/endWithUs.ts";
import { goldenInputs } from "../../scripts/network/goldenInputs.ts";
import { type OperatorProcess, startOperatorProcess } from "../../scripts/network/operatorProcess.ts";
import { publishModel } from "../../scripts/network/publishModel.ts";
import { activated, enrollOperator, registerOperator } from "../../scripts/network/registerOperator.ts";
import { type ServedModel, serveModels } from "../../scripts/network/serveModels.ts";
import { settledRequests } from "../../scripts/network/settledRequests.ts";
import { databaseTemplate } from "../../scripts/network/startNetwork.ts";
import { Teardown } from "../../scripts/network/teardown.ts";
import { until } from "../../scripts/network/until.ts";
import { ensurePostgres, startPostgres } from "../../scripts/services/postgres.ts";
import { ensureRedis, startRedis } from "../../scripts/services/redis.ts";
import { parseMetrics, sumOf } from "../telemetry/metricsText.ts";

const MODELS = join(import.meta.dirname, "..", "..", "models");
const NAMES = ["first", "second", "elsewhere"] as const;
const REQUESTS = 8;
const LOOK = { timeoutMs: 60_000 };
const [redis, postgres] = [await ensureRedis(), await ensurePostgres()];
/** Why there are no servers here; null when there are. */
const unavailable =
  "unavailable" in redis ? redis.unavailable : "unavailable" in postgres ? postgres.unavailable : null;

interface Place {
  client: ChainClient;
  protocol: Protocol;
}

const teardown = new Teardown();
const folder = mkdtempSync(join(tmpdir(), "sibyl-oracles-"));
let model: ServedModel;
let inputs: Hex[];
/** Two oracles on one chain, and a third on another. */
let places: Record<(typeof NAMES)[number], Place>;
let elsewhere: Anvil;
let node: OperatorProcess;

beforeAll(async () => {
  teardown.add("folder", () => rmSync(folder, { recursive: true, force: true }));
  const artifacts = await buildContracts(teardown);
  const server = await serveModels(MODELS, teardown);
  model = server.model("iris");
  inputs = goldenInputs(model);
  const startChain = async (chainId: number): Promise<Anvil> => {
    const anvil = await startAnvil({ chainId, blockTime: 1, args: ["--accounts", String(ENDOWED_ACCOUNTS)] });
    void anvil.exited.then(endWithUs(anvil.pid));
    teardown.add(`anvil ${chainId}`, () => anvil.stop());
    return anvil;
  };
  const [here, there] = await Promise.all([startChain(31_337), startChain(31_338)]);
  elsewhere = there;
  const deploy = async ({ url, chainId }: Anvil): Promise<Place> => {
    const client = chainClient(url, chainId);
    const protocol = await deployProtocol(client, artifacts);
    await publishModel(client, protocol.modelRegistry, model);
    const { operatorId } = await registerOperator(client, protocol.operatorRegistry, 0, "");
    await enrollOperator(client, protocol.operatorRegistry, 0, model.modelId);
    await activated(client, protocol.operatorRegistry, model.modelId, [operatorId]);
    return { client, protocol };
  };
  const [first, elsewherePlace] = await Promise.all([deploy(here), deploy(there)]);
  places = { first, second: await deploy(here), elsewhere: elsewherePlace };
  node = await startNode();
}, 180_000);

afterAll(async () => {
  await teardown.run();
  expect(teardown.failures).toEqual([]);
});

function startNode(patch: Record<string, string> = {}): Promise<OperatorProcess> {
  const own = NAMES.flatMap((name) => {
    const { client, protocol } = places[name];
    return [
      [`${name.toUpperCase()}_RPC_URL`, client.rpcUrl],
      [`${name.toUpperCase()}_ORACLE_ADDRESS`, protocol.oracle],
      [`${name.toUpperCase()}_START_BLOCK`, String(protocol.startBlock)],
    ] as const;
  });
  return startOperatorProcess({
    name: "the node",
    folder,
    teardown,
    env: {
      ORACLES: NAMES.join(","),
      ...Object.fromEntries(own),
      CONFIRMATIONS: "4",
      ATTESTER_KEY: privateKeyOf(operatorAttester(0)),
      DATA_DIR: join(folder, "data"),
      DATABASE_TEMPLATE: databaseTemplate(),
      MODEL_FOLDERS: join(folder, "none"),
      MODEL_PRIVATE_HOSTS: "allow",
      P2P_LISTEN: "127.0.0.1:0",
      STATUS_LISTEN: "127.0.0.1:0",
      INFERENCE_THREADS: "1",
      DRAIN_TIMEOUT_MS: "1000",
      ...patch,
    },
  });
}

/** Opens requests for one operator, all in one transaction. */
async function ask(place: Place): Promise<Hex[]> {
  const { modelId } = model;
  const questions = Array.from({ length: REQUESTS }, (_, index) => ({
    modelId,
    input: inputs[index % inputs.length] as Hex,
  }));
  const policy = { committeeSize: 1, quorum: 1, challengeWindow: 0 };
  const opened = await askBatch(place, questions, { policy, lifetimeSeconds: 120 });
  return opened.map(({ requestId }) => requestId);
}

/** How often the chain settled each of these. */
async function settlements(place: Place): Promise<Map<Hex, number>> {
  const counts = new Map<Hex, number>();
  for (const requestId of await settledRequests(place))
    counts.set(requestId, (counts.get(requestId) ?? 0) + 1);
  return counts;
}

async function allSettled(name: (typeof NAMES)[number], requestIds: readonly Hex[]): Promise<void> {
  await until(
    `the requests of ${name} to settle`,
    async () => {
      const counts = await settlements(places[name]);
      return requestIds.every((id) => counts.get(id) === 1) ? true : null;
    },
    LOOK,
  );
}

const status = async (path: string): Promise<unknown> => (await fetch(`${node.statusUrl}${path}`)).json();

test("settled: requests at two oracles of one chain, with one key, and at a third on another chain", async () => {
  const asked = [await ask(places.first), await ask(places.second), await ask(places.elsewhere)];
  await Promise.all(NAMES.map((name, index) => allSettled(name, asked[index] ?? [])));

  const { oracles } = (await status("/status")) as { oracles: Record<string, Record<string, unknown>> };
  expect(Object.keys(oracles)).toEqual([...NAMES]);
  for (const name of NAMES) {
    const { client, protocol } = places[name];
    expect(oracles[name]).toMatchObject({
      state: "running",
      operatorId: 1,
      chainId: client.chain.id,
      oracle: protocol.oracle,
      synced: true,
    });
    const rows = await until(
      `${name}'s rows to say so`,
      async () => {
        const found = (await status(`/${name}/requests?limit=500`)) as { requestId: Hex; state: string }[];
        return found.every(({ state }) => state === "settled") ? found : null;
      },
      LOOK,
    );
    expect(new Set(rows.map(({ requestId }) => requestId))).toEqual(new Set(asked[NAMES.indexOf(name)]));
  }
  expect(await status("/nowhere/status")).toEqual({ error: "this node serves first, second, elsewhere" });
});

test("metrics: each oracle's under its name, the process's once", async () => {
  const read = async () => parseMetrics(await (await fetch(`${node.statusUrl}/metrics`)).text()).samples;
  const ready = { oracle: "elsewhere" };
  await until(
    "readiness in the metrics",
    async () => (sumOf(await read(), "sibyl_ready", ready) === 1 ? true : null),
    LOOK,
  );
  const samples = await read();
  for (const oracle of NAMES) {
    expect(sumOf(samples, "sibyl_requests_over_total", { oracle, state: "settled" })).toBe(REQUESTS);
    expect(sumOf(samples, "sibyl_chain_head_number", { oracle })).toBeGreaterThan(0);
  }
  for (const name of ["sibyl_info", "process_resident_memory_bytes", "sibyl_jobs_running"])
    expect(samples.filter((sample) => sample.name === name)).toHaveLength(1);
});

test("settled: what was open when the node was killed, and no nonce was used for nothing", async () => {
  const asked = [await ask(places.first), await ask(places.second), await ask(places.elsewhere)];
  await until(
    "a transaction to be signed",
    () => (readFileSync(node.logFile, "utf8").split("transaction signed").length > 4 ? true : null),
    { ...LOOK, everyMs: 10 },
  );
  await node.kill();
  node = await startNode();
  await Promise.all(NAMES.map((name, index) => allSettled(name, asked[index] ?? [])));
  // Whatever the attester sent to either oracle of this chain took a nonce of its own and succeeded.
  const { client } = places.first;
  const address = operatorAttester(0).address;
  const head = await client.reader.getBlockNumber({ cacheTime: 0 });
  const sent: { nonce: number; hash: Hex }[] = [];
  for (let number = places.first.protocol.startBlock; number <= head; number += 1n) {
    const { transactions } = await client.reader.getBlock({ blockNumber: number, includeTransactions: true });
    sent.push(...transactions.filter(({ from }) => from.toLowerCase() === address.toLowerCase()));
  }
  expect(sent.map(({ nonce }) => nonce)).toEqual(sent.map((_, index) => index));
  const receipts = await Promise.all(sent.map(({ hash }) => client.reader.getTransactionReceipt({ hash })));
  expect(receipts.filter((receipt) => receipt.status !== "success")).toEqual([]);
});

test.skipIf(unavailable !== null)(
  `settled: with the rows and the queue on servers, where no second process is let in${unavailable === null ? "" : ` (skipped: ${unavailable})`}`,
  async () => {
    if ("unavailable" in redis || "unavailable" in postgres) throw new Error(unavailable ?? "");
    await node.stop();
    const queue = await startRedis(redis);
    teardown.add("Redis", () => queue.stop());
    const database = await startPostgres(postgres);
    teardown.add("PostgreSQL", () => database.stop());
    const servers = { DATABASE_URL: database.url, QUEUE_URL: queue.url, QUEUE_NAMESPACE: "several" };
    const own = (name: string) => ({ ...servers, DATA_DIR: join(folder, name) });
    node = await startNode(own("served"));
    const { timestamp } = await places.first.client.reader.getBlock();
    // A node answers nothing that was opened in the second in which its memory begins.
    const isLater = async () => {
      const blocks = await Promise.all(NAMES.map((name) => places[name].client.reader.getBlock()));
      return blocks.every((block) => block.timestamp > timestamp + 1n) ? true : null;
    };
    await until("a later block on each chain", isLater, LOOK);
    const asked = [await ask(places.first), await ask(places.second), await ask(places.elsewhere)];
    await Promise.all(NAMES.map((name, index) => allSettled(name, asked[index] ?? [])));
    await expect(startNode(own("second"))).rejects.toThrow(/runs already: process \d+ on /);
    expect(node.exit()).toBeNull();
    await node.kill();
    // Its lease is a dead process's, which is seen on the same machine.
    node = await startNode(own("served"));
    const more = await ask(places.second);
    await allSettled("second", more);
    await node.stop();
    node = await startNode();
  },
  180_000,
);

test("settled: at the chain that is well, while the other is gone; readiness says which", async () => {
  await elsewhere.stop();
  const asked = await ask(places.second);
  await allSettled("second", asked);
  const reasons = await until(
    "the node to miss the chain",
    async () => {
      const response = await fetch(`${node.statusUrl}/readyz`);
      return response.status === 503 ? ((await response.json()) as { reasons: string[] }).reasons : null;
    },
    LOOK,
  );
  expect(reasons).toEqual([expect.stringMatching(/^elsewhere: rpc\//)]);
  expect((await fetch(`${node.statusUrl}/healthz`)).status).toBe(200);
  expect((await fetch(`${node.statusUrl}/first/readyz`)).status).toBe(200);
});

test("started with a chain that cannot be reached, and a key that nobody registered: the others are served, and it is said", async () => {
  await node.stop();
  const { client, protocol } = places.first;
  const starting = startNode({
    ORACLES: [...NAMES, "stranger"].join(","),
    STRANGER_RPC_URL: client.rpcUrl,
    STRANGER_ORACLE_ADDRESS: protocol.oracle,
    STRANGER_ATTESTER_KEY: privateKeyOf(operatorAttester(1)),
  });
  // It is never ready, so the start is not waited for.
  void starting.catch(() => undefined);
  const asked = await ask(places.first);
  await allSettled("first", asked);
  const url = await until(
    "the status address",
    () => /"statusUrl":"(http:\/\/[^"/]+)"/.exec(lastStart())?.[1],
    LOOK,
  );
  const { oracles } = (await (await fetch(`${url}/status`)).json()) as { oracles: Record<string, object> };
  expect(oracles.elsewhere).toMatchObject({ state: "starting" });
  expect(oracles.first).toMatchObject({ state: "running" });
  expect(oracles.stranger).toMatchObject({
    state: "failed",
    reason: expect.stringMatching(/^operator\/not-registered: /),
  });
  const { samples } = parseMetrics(await (await fetch(`${url}/metrics`)).text());
  expect(sumOf(samples, "sibyl_not_ready", { oracle: "stranger", reason: "oracle/failed" })).toBe(1);
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
}, 120_000);

const lastStart = (): string =>
  readFileSync(node.logFile, "utf8")
    .split("\n")
    .findLast((line) => line.includes("its oracles follow")) ?? "";
