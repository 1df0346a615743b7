import { join } from "node:path";
import { inferenceOracleAbi, operatorRegistryAbi } from "@sibyl/sdk";
import type { Address, Hex } from "viem";
import { discoverContracts, discoverOperator } from "./chain/discoverContracts.ts";
import { createRpcChain } from "./chain/rpcChain.ts";
import type { AttesterSource, Config } from "./config.ts";
import { ChainClock } from "./core/chainClock.ts";
import type { OutboxKind } from "./core/outbox.ts";
import { PendingMessages } from "./core/pendingMessages.ts";
import { isOpen, type RequestKey, requestKey } from "./core/request.ts";
import { createOnnxEngine } from "./inference/onnxEngine.ts";
import { readKeystore, readPasswordFile } from "./keys/keystore.ts";
import type { AttesterKey } from "./keys/port.ts";
import { createPrivateKeySigner } from "./keys/privateKey.ts";
import { recoverDigest } from "./keys/recover.ts";
import { createWeb3signerKey } from "./keys/web3signer.ts";
import { createFileModels } from "./models/fileModels.ts";
import type { ModelStore } from "./models/port.ts";
import { createPinoLog } from "./observe/pinoLog.ts";
import type { Log } from "./observe/port.ts";
import { startStatusServer } from "./observe/statusServer.ts";
import { createLibp2pPeers } from "./peers/libp2pPeers.ts";
import type { PipelineDeps } from "./pipeline/deps.ts";
import { createDriver } from "./pipeline/driver.ts";
import { explain } from "./pipeline/explain.ts";
import { followChain } from "./pipeline/followChain.ts";
import { startLoop } from "./pipeline/loop.ts";
import { onOutcome } from "./pipeline/onOutcome.ts";
import { onPeerMessage } from "./pipeline/onPeerMessage.ts";
import { driveOutbox } from "./pipeline/outbox.ts";
import { runJob } from "./pipeline/runJob.ts";
import type { BullmqOptions, QueueBackend } from "./queue/bullmqBackend.ts";
import { createBullmqConsumer } from "./queue/bullmqConsumer.ts";
import { createBullmqQueue } from "./queue/bullmqQueue.ts";
import { connectRpc } from "./rpc/rpcClient.ts";
import { createCachedStore } from "./store/cachedStore.ts";
import { createDrizzleStore, type DrizzleStoreOptions } from "./store/drizzleStore.ts";
import { openEmbeddedDatabase } from "./store/embeddedDatabase.ts";
import type { Store } from "./store/port.ts";
import { createViemSender } from "./submit/viemSender.ts";

/** Milliseconds that one inference may take. */
const INFERENCE_TIMEOUT_MS = 60_000;
/** Jobs that a worker holds per inference thread: one runs while the next ones' models and inputs are made ready. */
const JOBS_PER_THREAD = 4;
const PENDING_LIMITS = { requests: 1_000, messagesPerRequest: 64, ttlMs: 60_000 };

/** An operator's running software. */
export interface Coprocessor {
  operatorId: number;
  statusUrl: string;
  /** Multiaddrs that peers can dial. */
  addresses: string[];
  /** Resolves never, or rejects with what made going on impossible. */
  failed: Promise<never>;
  /** Finishes what is under way and closes everything. */
  stop(): Promise<void>;
}

/** Undoes what was started, latest first; every step runs even if one fails. */
class Closers {
  readonly #steps: { name: string; close: () => Promise<void> }[] = [];

  add(name: string, close: () => Promise<void>): void {
    this.#steps.push({ name, close });
  }

  async close(log: Log): Promise<void> {
    for (const { name, close } of this.#steps.splice(0).reverse()) {
      try {
        await close();
      } catch (error) {
        log.error({ err: error, part: name }, "closing failed");
      }
    }
  }
}

/**
 * Composes and starts a node with an embedded worker: the only place that chooses adapters.
 *
 * @throws CoprocessorError of whatever part cannot start; what was started before it is closed again.
 */
export async function startCoprocessor(config: Config): Promise<Coprocessor> {
  const closers = new Closers();
  const log = createPinoLog(config.logLevel, { service: "sibyl" });
  try {
    return await compose(config, log, closers);
  } catch (error) {
    await closers.close(log);
    throw error;
  }
}

/** Opens the attester's key where the configuration says that it is. */
export async function openAttesterKey(source: AttesterSource): Promise<AttesterKey> {
  switch (source.kind) {
    case "key":
      return createPrivateKeySigner(source.key);
    case "keystore": {
      const { password } = source;
      const text = "file" in password ? await readPasswordFile(password.file) : password.text;
      return createPrivateKeySigner(await readKeystore(source.path, text));
    }
    case "signer":
      return createWeb3signerKey(source);
  }
}

async function compose(config: Config, rootLog: Log, closers: Closers): Promise<Coprocessor> {
  const key = await openAttesterKey(config.attester);
  const rpc = await connectRpc({ urls: config.rpcUrls, quorum: config.rpcQuorum, log: rootLog });
  closers.add("rpc", () => rpc.close());
  const contracts = await discoverContracts(rpc, config.oracle);
  const me = await discoverOperator(rpc, contracts.operatorRegistry, key.address);
  const log = rootLog.child({ operatorId: me });
  const scope = { chainId: rpc.chainId, oracle: config.oracle };

  const { store, backend } = await openStorage(config, log, closers);
  const queueOptions = { backend, namespace: `${scope.chainId}-${me}`, log };
  const models = createFileModels({
    folders: config.modelFolders,
    cacheDirectory: join(config.dataDir, "models"),
    allowPrivateHosts: config.modelPrivateHosts,
    places: config.modelPlaces,
    ...(config.modelCacheBytes === null ? {} : { maxCacheBytes: config.modelCacheBytes }),
    log,
  });
  const queue = await createBullmqQueue(queueOptions);
  closers.add("queue", () => queue.close());
  const peers = createLibp2pPeers({
    scope,
    seed: await key.derive("peer identity"),
    listen: config.p2p,
    announce: config.p2p.announce,
    log,
  });
  const chain = await createRpcChain({
    rpc,
    contracts,
    startBlock: config.startBlock,
    ...(config.confirmations === null ? {} : { confirmations: config.confirmations }),
    log,
  });
  const sender = createViemSender({
    rpc,
    account: key.account,
    errors: [...inferenceOracleAbi, ...operatorRegistryAbi],
  });

  const clock = new ChainClock();
  const parts = {
    scope,
    me,
    store,
    queue,
    models,
    peers,
    key,
    recover: (digest: Hex, signature: Hex): Address | undefined => recoverDigest(digest, signature),
    pending: new PendingMessages(PENDING_LIMITS),
    waiting: new Map<RequestKey, string>(),
    timing: config.timing,
    log,
    now: Date.now,
    clock,
    pokeOutbox: () => outbox.poke(),
  };
  const driver = createDriver(parts, { repeatMs: config.repeatMs });
  const deps: PipelineDeps = { ...parts, wake: driver.wake };
  const outboxDeps = {
    store,
    submit: sender,
    log,
    isNeeded: async (entryKey: RequestKey, kind: OutboxKind) => {
      const record = await store.request(entryKey);
      if (record === null) return false;
      return kind === "finalize" ? record.state === "proposed" : isOpen(record.state);
    },
  };

  const outbox = startLoop("outbox", log, Date.now, () => driveOutbox(outboxDeps, Date.now()));
  closers.add("outbox", () => outbox.stop());
  await startWorker(config, { models, log, queueOptions }, closers);
  await peers.start((message) => onPeerMessage(deps, message));
  closers.add("peers", () => peers.stop());
  closers.add("driver", () => driver.stop());
  queue.onOutcome((requestKeyOfJob, outcome) => onOutcome(deps, requestKeyOfJob, outcome));

  const following = followChain(deps, chain, {
    resume: () => driver.resume(),
    onHead(block, live) {
      clock.observe(block, live, Date.now());
      outbox.poke();
    },
    onOperators: (operators) => {
      const others = operators.filter(({ operatorId }) => operatorId !== me);
      peers.connect([...config.p2p.bootstrap, ...others.map(({ endpoint }) => endpoint)]);
    },
  });
  closers.add("chain", () => following.stop());

  const status = await startStatusServer(
    {
      async readiness() {
        const reasons = following.synced() ? [] : ["not caught up with the chain yet"];
        return { ready: reasons.length === 0, reasons };
      },
      async node() {
        return {
          operatorId: me,
          attester: key.address,
          ...scope,
          synced: following.synced(),
          head:
            clock.head === null
              ? null
              : { number: clock.head.number.toString(), timestamp: clock.head.timestamp },
          peers: peers.connected(),
          addresses: peers.addresses(),
          queue: await queue.counts(),
          balanceWei: (await sender.balance()).toString(),
        };
      },
      async requests(limit) {
        const records = await store.requests({ limit, newestFirst: true });
        return Promise.all(records.map((record) => explain(deps, record)));
      },
      async request(requestId) {
        const record = await store.request(requestKey(scope.chainId, scope.oracle, requestId as Hex));
        return record === null ? null : explain(deps, record);
      },
      receipts: (limit) => store.receipts(limit),
      receipt: (requestId) => store.receipt(requestKey(scope.chainId, scope.oracle, requestId as Hex)),
    },
    config.status,
  );
  closers.add("status", () => status.close());
  log.info(
    { statusUrl: status.url, addresses: peers.addresses(), attester: key.address },
    "operator started",
  );
  return {
    operatorId: me,
    statusUrl: status.url,
    addresses: peers.addresses(),
    failed: following.failed,
    stop: () => closers.close(log),
  };
}

/** Store and queue share the embedded database unless a server is configured for either. */
async function openStorage(
  config: Config,
  log: Log,
  closers: Closers,
): Promise<{ store: Store; backend: QueueBackend }> {
  const { databaseUrl, queueUrl } = config;
  const openEmbedded = async () => {
    const embedded = await openEmbeddedDatabase({
      directory: join(config.dataDir, "database"),
      searchPath: "bullmq",
      ...(config.databaseTemplate === null ? {} : { template: config.databaseTemplate }),
      log,
    });
    closers.add("embedded database", () => embedded.close());
    return embedded;
  };
  const openStore = async (database: DrizzleStoreOptions["database"]) => {
    const store = createCachedStore(await createDrizzleStore({ database, log }));
    closers.add("store", () => store.close());
    return store;
  };
  if (queueUrl !== null) {
    const store = await openStore(databaseUrl ?? (await openEmbedded()));
    return { store, backend: { type: "redis", url: queueUrl } };
  }
  const embedded = await openEmbedded();
  const store = await openStore(databaseUrl ?? embedded);
  return { store, backend: { type: "postgres", pool: embedded.pool } };
}

async function startWorker(
  config: Config,
  parts: { models: ModelStore; log: Log; queueOptions: BullmqOptions },
  closers: Closers,
): Promise<void> {
  const { inferenceMemoryBytes } = config;
  const engine = createOnnxEngine({
    threads: config.inferenceThreads,
    providers: config.providers,
    ...(inferenceMemoryBytes === null ? {} : { maxSessionBytes: inferenceMemoryBytes }),
    log: parts.log,
  });
  closers.add("inference", () => engine.close());
  const consumer = await createBullmqConsumer({
    ...parts.queueOptions,
    concurrency: JOBS_PER_THREAD * config.inferenceThreads,
  });
  await consumer.run((job) =>
    runJob({ models: parts.models, engine, timeoutMs: INFERENCE_TIMEOUT_MS, now: Date.now }, job),
  );
  closers.add("worker", () => consumer.close());
}
