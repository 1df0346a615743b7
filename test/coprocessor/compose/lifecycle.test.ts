import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Lifecycle, watchLifecycle } from "../../../coprocessor/compose/lifecycle.ts";
import { readConfig } from "../../../coprocessor/config.ts";
import { ChainClock } from "../../../coprocessor/core/chainClock.ts";
import { CoprocessorError } from "../../../coprocessor/core/errors.ts";
import type { MemoryBeginning } from "../../../coprocessor/core/memory.ts";
import { Workload } from "../../../coprocessor/core/workload.ts";
import { BalanceAlarm } from "../../../coprocessor/pipeline/balanceAlarm.ts";
import type { QueueCounts } from "../../../coprocessor/queue/port.ts";
import { connectRpc, type RpcClient } from "../../../coprocessor/rpc/rpcClient.ts";
import { smallQuantity } from "../../../coprocessor/rpc/rpcSchemas.ts";
import { createDrizzleStore } from "../../../coprocessor/store/drizzleStore.ts";
import { type EmbeddedDatabase, openEmbeddedDatabase } from "../../../coprocessor/store/embeddedDatabase.ts";
import type { Store } from "../../../coprocessor/store/port.ts";
import { collectedLog } from "../collectedLog.ts";
import { temporaryFolder } from "../store/embedded.ts";

const config = readConfig({
  RPC_URL: "http://127.0.0.1:9",
  ORACLE_ADDRESS: "0x5FbDB2315678afecb367f032d93F642f64180aa3",
  ATTESTER_KEY: "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
});

let folder: ReturnType<typeof temporaryFolder>;
let log: ReturnType<typeof collectedLog>;
let database: EmbeddedDatabase;
let store: Store;
let rpc: RpcClient;
let servers: Server[];
let serverAheadMs: number;
let counts: () => Promise<QueueCounts>;
let workload: Workload;
let balanceAlarm: BalanceAlarm;
let memory: MemoryBeginning | null;
let lifecycle: Lifecycle;

const openStore = async (options: { reserveBytes?: number } = {}) => {
  database = await openEmbeddedDatabase({ ...folder.options, searchPath: "bullmq", log, ...options });
  store = await createDrizzleStore({ database, log });
};

/** A JSON-RPC server of chain 1 with a clock of its own. */
async function startServer(): Promise<string> {
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => {
      body += chunk;
    });
    request.on("end", () => {
      const calls = JSON.parse(body) as { id: number } | { id: number }[];
      const answer = ({ id }: { id: number }) => ({ jsonrpc: "2.0", id, result: "0x1" });
      response.setHeader("date", new Date(Date.now() + serverAheadMs).toUTCString());
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify(Array.isArray(calls) ? calls.map(answer) : answer(calls)));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  servers.push(server);
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const askChain = () => rpc.agreed(smallQuantity, "eth_blockNumber", []).catch(() => null);

beforeAll(async () => {
  folder = temporaryFolder();
  log = collectedLog();
  await openStore();
}, 60_000);

beforeEach(async () => {
  log = collectedLog();
  servers = [];
  serverAheadMs = 0;
  memory = null;
  counts = async () => ({ waiting: 0, active: 0, parked: 0 });
  workload = new Workload(() => {
    throw new Error("nothing is taken");
  });
  balanceAlarm = new BalanceAlarm(() => 10, log);
  rpc = await connectRpc({ urls: [await startServer(), await startServer()], quorum: 2, log });
  await askChain();
  lifecycle = watchLifecycle({
    live: { current: config },
    rpcHealth: rpc.health,
    get store() {
      return store;
    },
    // The queue's and the peers' parts are played; the store and the RPC client are real.
    queue: { counts: () => counts() } as never,
    peers: { connected: () => 1 } as never,
    clock: new ChainClock(),
    workload,
    balanceAlarm,
    synced: () => true,
    progress: () => null,
    memory: () => memory,
    others: () => 1,
    log,
  });
}, 60_000);

afterEach(async () => {
  lifecycle.stop();
  await rpc.close();
  for (const server of servers) server.close();
});

afterAll(async () => {
  await store?.close();
  await database?.close();
  folder?.remove();
});

const reasons = async () => {
  await lifecycle.probe();
  return lifecycle.readiness().reasons;
};

describe("readiness of real parts", () => {
  it("ready: and it is logged once when it no longer is, and once when it is again", async () => {
    expect(lifecycle.readiness()).toEqual({ ready: true, reasons: [] });
    workload.drain();
    expect(await reasons()).toEqual([expect.stringMatching(/^node\/draining: /)]);
    await reasons();
    const said = log.lines.filter(({ message }) => message === "not ready" || message === "ready");
    expect(said.map(({ message }) => message)).toEqual(["not ready"]);
  });

  it("not ready: the disk is full; ready again when there is space", async () => {
    await database.close();
    await openStore({ reserveBytes: Number.MAX_SAFE_INTEGER });
    expect(await reasons()).toEqual([expect.stringMatching(/^store\/no-space: .* bytes free/)]);
    await expect(store.addBlock({} as never)).rejects.toMatchObject({ code: "store/no-space" });
    await database.close();
    await openStore();
    expect(await reasons()).toEqual([]);
  }, 60_000);

  it("not ready: the RPC quorum is lost when an endpoint dies, and back when it answers again", async () => {
    const [first] = servers as [Server];
    const { port } = first.address() as AddressInfo;
    first.closeAllConnections();
    first.close();
    await once(first, "close");
    await askChain();
    expect(await reasons()).toEqual(["rpc/quorum-lost: 1 RPC endpoints answer, 2 must agree"]);
    first.listen(port, "127.0.0.1");
    await once(first, "listening");
    await expect
      .poll(
        async () => {
          await askChain();
          return reasons();
        },
        { timeout: 10_000 },
      )
      .toEqual([]);
  });

  it("not ready: our clock is off by what the RPC servers' answers say", async () => {
    serverAheadMs = 3_600_000;
    await askChain();
    expect(await reasons()).toEqual([
      expect.stringMatching(/^clock\/off: this machine's clock is 3(599|600)\.\d s behind 2 RPC servers/),
    ]);
  });

  it("not ready: its memory has not begun; ready once it has", async () => {
    const now = Math.floor(Date.now() / 1_000);
    memory = { block: 1n, timestamp: now + 60 };
    expect(await reasons()).toEqual([expect.stringMatching(/^memory\/too-young: .* in the next \d+ s/)]);
    memory = { block: 1n, timestamp: now - 1 };
    expect(await reasons()).toEqual([]);
  });

  it("not ready: the queue answers with an error, or not at all", async () => {
    counts = async () => {
      throw new CoprocessorError("counts: the queue is full", { code: "queue/no-space", retry: "backoff" });
    };
    expect(await reasons()).toEqual(["queue/no-space: counts: the queue is full"]);
    counts = () => new Promise(() => {});
    expect(await reasons()).toEqual(["queue/unavailable: the queue does not answer within 5000 ms"]);
  });

  it("not ready: the balance is low; said once for each time that it becomes so", async () => {
    const market = { baseFeePerGas: 1n, maxFeePerGas: 2n, maxPriorityFeePerGas: 1n };
    const account = (balance: bigint) => ({ latestNonce: 0, market, balance });
    for (const balance of [2_999_999n, 1n]) balanceAlarm.observe(account(balance));
    expect(await reasons()).toEqual(["balance/low: the attester has 1 wei, 10 settlements take 3000000 wei"]);
    balanceAlarm.observe(account(3_000_000n));
    expect(await reasons()).toEqual([]);
    expect(log.codes().filter((code) => code === "balance/low")).toHaveLength(1);
  });
});

describe("health", () => {
  it("well: loops turn; a loop that beat long ago is named", () => {
    lifecycle.pulse.beat("outbox", Date.now());
    expect(lifecycle.health()).toMatchObject({ ok: true, faults: [] });
    lifecycle.pulse.beat("chain", Date.now() - 90_001);
    expect(lifecycle.health()).toMatchObject({
      ok: false,
      faults: ["loop/stuck: chain has not turned for 90000 ms"],
    });
  });

  it("the event loop's standing still is measured", async () => {
    // It is measured from one tick to the next, so there has to be a first one.
    await expect.poll(() => lifecycle.health().eventLoopDelayMs, { timeout: 10_000 }).toBeGreaterThan(0);
    const start = performance.now();
    while (performance.now() - start < 200);
    await expect.poll(() => lifecycle.health().eventLoopDelayMs, { timeout: 5_000 }).toBeGreaterThan(100);
  });
});
