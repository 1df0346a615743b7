import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { listenToGossip, type PeerMessage } from "@sibyl/coprocessor";
import { startAnvil } from "../network/anvil.ts";
import { buildContracts } from "../network/buildContracts.ts";
import { type ChainClient, chainClient } from "../network/chainClient.ts";
import { deployProtocol, type Protocol } from "../network/deployProtocol.ts";
import { ENDOWED_ACCOUNTS, operatorAttester, privateKeyOf } from "../network/devAccounts.ts";
import { endWithUs } from "../network/endWithUs.ts";
import { publishModel } from "../network/publishModel.ts";
import { activated, enrollOperator, registerOperator } from "../network/registerOperator.ts";
import { type ReservedPort, reservePort } from "../network/reservePort.ts";
import { type ServedModel, serveModels } from "../network/serveModels.ts";
import { databaseTemplate } from "../network/startNetwork.ts";
import type { Teardown } from "../network/teardown.ts";
import { until } from "../network/until.ts";
import { ensurePostgres, type PostgresServer, startPostgres } from "../services/postgres.ts";
import { ensureRedis, type RedisServer, startRedis } from "../services/redis.ts";
import { ChaosNode } from "./chaosNode.ts";
import { type FaultyRpc, startFaultyRpc } from "./faultyRpc.ts";
import { ENDPOINTS, NODES } from "./schedule.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const READY_TIMEOUT_MS = 120_000;
/** Which development account listens: registered, so that nodes keep a place for it, and with no seat for any model. */
const LISTENER = NODES;

/** Redis, at an address that stays when it dies. */
export interface RedisAtPort {
  server: RedisServer;
  path: string;
}

/** Everything that the storm hits, and the ear that hears what operators sign. */
export interface ChaosNetwork {
  client: ChainClient;
  protocol: Protocol;
  models: Record<"spam-text" | "iris", ServedModel>;
  nodes: ChaosNode[];
  /** By node, then by endpoint. */
  rpcs: FaultyRpc[][];
  redis: RedisAtPort;
  /** The third node's. */
  postgres: PostgresServer;
  /** By place. */
  attesters: { operatorId: number; address: `0x${string}` }[];
  /** Block after which the storm may do what it likes. */
  readyBlock: bigint;
  folder: string;
  keepFolder(): void;
}

/**
 * Starts a chain, three operators and a listener: one operator on embedded Postgres alone, one with its queue on Redis and
 * three RPC endpoints of which two must agree, one with Redis, a Postgres server and two endpoints.
 *
 * @throws Error when Redis or Postgres are not there and cannot be installed.
 */
export async function startChaosNetwork(
  teardown: Teardown,
  hear: (message: PeerMessage) => void,
  onStep: (step: string) => void,
): Promise<ChaosNetwork> {
  let keep = false;
  const folder = mkdtempSync(join(tmpdir(), "sibyl-chaos-"));
  teardown.add("folder", () => (keep ? undefined : rmSync(folder, { recursive: true, force: true })));

  onStep("starting a chain, Redis and Postgres");
  const artifacts = await buildContracts(teardown);
  const client = await startChain(teardown);
  const { redis, postgres } = await startServers(teardown);

  onStep("deploying the protocol");
  const server = await serveModels(join(ROOT, "models"), teardown);
  const models = { "spam-text": server.model("spam-text"), iris: server.model("iris") };
  const protocol = await deployProtocol(client, artifacts);
  for (const model of Object.values(models)) await publishModel(client, protocol.modelRegistry, model);

  const rpcs = await Promise.all(
    ENDPOINTS.map((count) => Promise.all(Array.from({ length: count }, () => startFaultyRpc(client.rpcUrl)))),
  );
  for (const rpc of rpcs.flat()) teardown.add("RPC proxy", () => rpc.stop());

  onStep("registering operators");
  const ports: ReservedPort[] = [];
  const attesters: ChaosNetwork["attesters"] = [];
  for (let place = 0; place <= LISTENER; place++) {
    const port = await reservePort();
    ports.push(port);
    const endpoint = `/ip4/127.0.0.1/tcp/${port.port}`;
    const registered = await registerOperator(client, protocol.operatorRegistry, place, endpoint);
    if (place === LISTENER) continue;
    attesters.push({ operatorId: registered.operatorId, address: registered.attester });
    for (const { modelId } of Object.values(models))
      await enrollOperator(client, protocol.operatorRegistry, place, modelId);
  }

  onStep("starting nodes");
  const environment = (place: number): Record<string, string> => ({
    ATTESTER_KEY: privateKeyOf(operatorAttester(place)),
    P2P_LISTEN: `127.0.0.1:${ports[place]?.port}`,
    STATUS_LISTEN: "127.0.0.1:0",
    RPC_URL: (rpcs[place] ?? []).map(({ url }) => url).join(","),
    RPC_QUORUM: place === 1 ? "2" : "1",
    ORACLE_ADDRESS: protocol.oracle,
    START_BLOCK: protocol.startBlock.toString(),
    LOG_LEVEL: "debug",
    DATABASE_TEMPLATE: databaseTemplate(),
    MODEL_FOLDERS: join(folder, "no-models"),
    MODEL_PRIVATE_HOSTS: "allow",
    INFERENCE_THREADS: "1",
    ...(place === 0 ? {} : { QUEUE_URL: redis.server.url }),
    ...(place === 2 ? { DATABASE_URL: postgres.url } : {}),
  });
  mkdirSync(join(folder, "no-models"));
  await Promise.all(ports.map((port) => port.release()));
  const nodes = attesters.map(({ operatorId }, place) => {
    const name = `operator ${operatorId}`;
    const own = join(folder, `operator-${operatorId}`);
    return new ChaosNode({ name, operatorId, folder: own, env: environment(place) });
  });
  for (const node of nodes) {
    teardown.add(node.name, () => node.kill());
    node.start();
  }
  const listener = await listenToGossip({
    scope: { chainId: client.chain.id, oracle: protocol.oracle },
    attesterKey: privateKeyOf(operatorAttester(LISTENER)),
    listen: { host: "127.0.0.1", port: ports[LISTENER]?.port ?? 0 },
    connect: nodes.map((_, place) => `/ip4/127.0.0.1/tcp/${ports[place]?.port}`),
    onMessage: hear,
  });
  teardown.add("gossip listener", () => listener.close());
  await allReady(nodes);
  for (const { modelId } of Object.values(models)) {
    const ids = attesters.map(({ operatorId }) => operatorId);
    await activated(client, protocol.operatorRegistry, modelId, ids);
  }
  const readyBlock = await client.reader.getBlockNumber({ cacheTime: 0 });
  const keepFolder = () => {
    keep = true;
  };
  return {
    client,
    protocol,
    models,
    nodes,
    rpcs,
    redis,
    postgres,
    attesters,
    readyBlock,
    folder,
    keepFolder,
  };
}

/** Waits until every node is ready and hears the others and the listener. */
export async function allReady(nodes: readonly ChaosNode[]): Promise<void> {
  await Promise.all(
    nodes.map((node) =>
      until(
        `${node.name} to be ready`,
        async () => {
          if (!(await node.isReady())) throw new Error(node.crashes.at(-1) ?? "not ready");
          const peers = await node.peers();
          if (peers < nodes.length) throw new Error(`${peers} of ${nodes.length} peers`);
          return true;
        },
        { timeoutMs: READY_TIMEOUT_MS, everyMs: 250 },
      ),
    ),
  );
}

async function startChain(teardown: Teardown): Promise<ChainClient> {
  const anvil = await startAnvil({ blockTime: 1, args: ["--accounts", String(ENDOWED_ACCOUNTS)] });
  const gone = endWithUs(anvil.pid);
  void anvil.exited.then(gone);
  teardown.add("anvil", () => anvil.stop());
  return chainClient(anvil.url, anvil.chainId);
}

async function startServers(teardown: Teardown): Promise<Pick<ChaosNetwork, "redis" | "postgres">> {
  const redisProgram = await ensureRedis();
  if ("unavailable" in redisProgram) throw new Error(`no Redis: ${redisProgram.unavailable}`);
  const postgresPrograms = await ensurePostgres();
  if ("unavailable" in postgresPrograms) throw new Error(`no Postgres: ${postgresPrograms.unavailable}`);
  const redis = { server: await startRedis(redisProgram), path: redisProgram.path };
  teardown.add("Redis", () => redis.server.stop());
  const postgres = await startPostgres(postgresPrograms);
  teardown.add("Postgres", () => postgres.stop());
  return { redis, postgres };
}
