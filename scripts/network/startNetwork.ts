import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { startAnvil } from "./anvil.ts";
import { type Artifacts, buildContracts } from "./buildContracts.ts";
import { type ChainClient, chainClient } from "./chainClient.ts";
import { deployProtocol, type Protocol, type ProtocolParameters } from "./deployProtocol.ts";
import { ENDOWED_ACCOUNTS, MAX_OPERATORS } from "./devAccounts.ts";
import { endWithUs } from "./endWithUs.ts";
import { createOperator, type Operator, type OperatorOptions } from "./operator.ts";
import { publishModel } from "./publishModel.ts";
import { activated, enrollOperator, type RegisteredOperator, registerOperator } from "./registerOperator.ts";
import { reservePort } from "./reservePort.ts";
import { type ServedModel, serveModels } from "./serveModels.ts";
import type { Teardown } from "./teardown.ts";
import { until } from "./until.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const MODELS = join(ROOT, "models");
const MODEL = "spam-text";
const MESH_TIMEOUT_MS = 30_000;

export interface NetworkOptions {
  /** Undoing it stops everything that the network started. */
  teardown: Teardown;
  /** Operators, each a process of its own; 3 when not given. */
  operators?: number;
  /** Further operators that take their seats and run no node: what their keys sign is the caller's affair; none when not given. */
  silent?: number;
  /** Seconds between blocks; 1 when not given. */
  blockTime?: number;
  /** Whether a transaction gets a block at once as well; false when not given. */
  instantBlocks?: boolean;
  /** A Redis for the operators' queues, each in names of its own; PGlite in each process when not given. */
  queueUrl?: string;
  parameters?: ProtocolParameters;
  /** Arguments for Node that start an operator; `sibyl node` when not given. */
  command?: readonly string[];
  /** The same for one operator, by its place counted from 0. */
  commandOf?: (place: number) => readonly string[] | undefined;
  /** Further environment variables of every node. */
  env?: Record<string, string>;
  /** Environment variables of one node, by its place counted from 0. */
  envOf?: (place: number) => Record<string, string>;
  /**
   * Puts something before a node's port for peers: is told the port, and says which one to dial in place of it. For
   * networks whose links can be cut.
   */
  frontPort?: (p2pPort: number) => Promise<number>;
  /** How operators speak with each other; libp2p when not given. */
  transport?: "libp2p" | "http";
  /** Told before each step. */
  onStep?: (step: string) => void;
}

/** An operator with stake and seats that runs no node. */
export interface SilentOperator extends RegisteredOperator {
  /** Which of the development accounts it uses. */
  place: number;
}

/** A chain, the protocol on it, one published model, and operators that serve it. */
export interface Network {
  client: ChainClient;
  artifacts: Artifacts;
  protocol: Protocol;
  model: ServedModel;
  /** Publishes a further model of ours, by its folder's name, and has every operator take a seat for it. */
  addModel(name: string): Promise<ServedModel>;
  operators: Operator[];
  /** Those without a node; their keys are `operatorAttester(place)`. */
  silent: SilentOperator[];
  /** Of all its data and logs. */
  folder: string;
  /** An empty embedded database, for processes that join: copying one is faster than making it. */
  databaseTemplate: string;
  /** Keeps the folder when everything is undone, for somebody to look into. */
  keepFolder(): void;
}

/**
 * Starts a whole network on loopback: anvil with its public development keys, the protocol, a model, and operators as
 * separate processes that share nothing but the chain and their gossip.
 */
export async function startNetwork(options: NetworkOptions): Promise<Network> {
  const { teardown, onStep = () => {} } = options;
  const running = options.operators ?? 3;
  const size = running + (options.silent ?? 0);
  if (running < 1 || size > MAX_OPERATORS) throw new Error(`1 to ${MAX_OPERATORS} operators, not ${size}`);
  let keep = false;
  const folder = mkdtempSync(join(tmpdir(), "sibyl-network-"));
  teardown.add("network's folder", () =>
    keep ? undefined : rmSync(folder, { recursive: true, force: true }),
  );

  onStep("compiling the contracts");
  const artifacts = await buildContracts(teardown);

  onStep("starting a chain");
  const client = await startChain(options, teardown);

  onStep("deploying the protocol");
  const models = await serveModels(MODELS, teardown);
  const model = models.model(MODEL);
  const protocol = await deployProtocol(client, artifacts, options.parameters);
  const env = {
    RPC_URL: client.rpcUrl,
    RPC_HEADS_URL: client.rpcUrl.replace(/^http/, "ws"),
    ORACLE_ADDRESS: protocol.oracle,
    START_BLOCK: protocol.startBlock.toString(),
    LOG_LEVEL: "info",
    // Making an empty database costs 4 s of CPU, copying one a tenth of a second.
    DATABASE_TEMPLATE: databaseTemplate(),
    // The model server is on loopback.
    MODEL_PRIVATE_HOSTS: "allow",
    ...(options.queueUrl === undefined ? {} : { QUEUE_URL: options.queueUrl }),
    ...options.env,
  };

  onStep(`publishing ${model.manifest.name}, starting ${running} operators`);
  const places = Array.from({ length: size }, (_, place) => place);
  const [operators, silent] = await Promise.all([
    Promise.all(
      places.slice(0, running).map((place) => {
        const own = { ...env, ...options.envOf?.(place) };
        const command = options.commandOf?.(place) ?? options.command;
        const how = { ...options, ...(command === undefined ? {} : { command }) };
        return addOperator(client, protocol, model, { ...how, place, folder, env: own });
      }),
    ),
    Promise.all(places.slice(running).map((place) => addSilent(client, protocol, model, place))),
    publishModel(client, protocol.modelRegistry, model),
  ]);
  operators.sort((one, other) => one.operatorId - other.operatorId);
  await connected(operators);
  const operatorIds = [...operators, ...silent].map(({ operatorId }) => operatorId);
  await activated(client, protocol.operatorRegistry, model.modelId, operatorIds);
  return {
    client,
    artifacts,
    protocol,
    model,
    async addModel(name) {
      const added = models.model(name);
      await publishModel(client, protocol.modelRegistry, added);
      await Promise.all(
        places.map((place) => enrollOperator(client, protocol.operatorRegistry, place, added.modelId)),
      );
      await activated(client, protocol.operatorRegistry, added.modelId, operatorIds);
      return added;
    },
    operators,
    silent,
    folder,
    databaseTemplate: env.DATABASE_TEMPLATE,
    keepFolder: () => {
      keep = true;
    },
  };
}

/** Where an empty database is kept to be copied. Of the engine's version, because another one may not read it. */
export function databaseTemplate(): string {
  const engine = createRequire(join(ROOT, "coprocessor", "package.json")).resolve("@electric-sql/pglite");
  const { version } = JSON.parse(readFileSync(join(dirname(engine), "..", "package.json"), "utf8"));
  return join(ROOT, ".cache", "network", `database-${version}`);
}

async function startChain(
  { blockTime = 1, instantBlocks = false }: NetworkOptions,
  teardown: Teardown,
): Promise<ChainClient> {
  teardown.assertRunning();
  const anvil = await startAnvil({
    blockTime,
    args: ["--accounts", String(ENDOWED_ACCOUNTS), ...(instantBlocks ? ["--mixed-mining"] : [])],
  });
  const gone = endWithUs(anvil.pid);
  void anvil.exited.then(gone);
  teardown.add("anvil", () => anvil.stop());
  return chainClient(anvil.url, anvil.chainId);
}

/** Registers, enrols and starts one operator. */
async function addOperator(
  client: ChainClient,
  protocol: Protocol,
  model: ServedModel,
  options: Pick<OperatorOptions, "place" | "folder" | "env" | "teardown" | "command"> &
    Pick<NetworkOptions, "frontPort" | "transport">,
): Promise<Operator> {
  const { place, teardown, frontPort, transport = "libp2p" } = options;
  const p2p = await reservePort();
  teardown.add("reserved port", () => p2p.release());
  const port = frontPort === undefined ? p2p.port : await frontPort(p2p.port);
  const endpoint = transport === "http" ? `http://127.0.0.1:${port}` : `/ip4/127.0.0.1/tcp/${port}`;
  const env = {
    ...options.env,
    P2P_TRANSPORT: transport,
    ...(frontPort !== undefined && { P2P_ANNOUNCE: endpoint }),
  };
  const registered = await registerOperator(client, protocol.operatorRegistry, place, endpoint);
  const folder = join(options.folder, `operator-${registered.operatorId}`);
  mkdirSync(folder);
  await p2p.release();
  const operator = createOperator({ ...options, ...registered, folder, env, p2pPort: p2p.port });
  await Promise.all([
    operator.start(),
    enrollOperator(client, protocol.operatorRegistry, place, model.modelId),
  ]);
  return operator;
}

async function addSilent(
  client: ChainClient,
  protocol: Protocol,
  model: ServedModel,
  place: number,
): Promise<SilentOperator> {
  const registered = await registerOperator(client, protocol.operatorRegistry, place, "");
  await enrollOperator(client, protocol.operatorRegistry, place, model.modelId);
  return { ...registered, place };
}

/** Waits until every running operator hears every other. */
export async function connected(operators: readonly Operator[]): Promise<void> {
  const running = operators.filter(({ process }) => process !== null);
  await Promise.all(
    running.map((operator) =>
      until(
        `${operator.name} to hear its peers`,
        async () => {
          const { peers } = await operator.status();
          if (peers >= running.length - 1) return true;
          throw new Error(`${peers} of ${running.length - 1}`);
        },
        { timeoutMs: MESH_TIMEOUT_MS },
      ),
    ),
  );
}
