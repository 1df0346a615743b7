import { inferenceOracleAbi, juryArbiterAbi, operatorRegistryAbi } from "@sibyl/sdk";
import type { Address, Hex } from "viem";
import { discoverContracts, discoverOperator } from "./chain/discoverContracts.ts";
import { readLedgers } from "./chain/ledgers.ts";
import { createRpcChain } from "./chain/rpcChain.ts";
import { openAttesterKey } from "./compose/attesterKey.ts";
import { Closers } from "./compose/closers.ts";
import { openModels } from "./compose/models.ts";
import { silentPeers } from "./compose/silentPeers.ts";
import { openStorage } from "./compose/storage.ts";
import { watchingOf } from "./compose/watching.ts";
import { JOBS_PER_THREAD, startWorker } from "./compose/worker.ts";
import type { Config } from "./config.ts";
import { capabilitiesOf } from "./core/capability.ts";
import { ChainClock } from "./core/chainClock.ts";
import type { OutboxKind } from "./core/outbox.ts";
import { PendingMessages } from "./core/pendingMessages.ts";
import { type RequestKey, requestKey } from "./core/request.ts";
import { recoverDigest } from "./keys/recover.ts";
import { createPinoLog } from "./observe/pinoLog.ts";
import type { Log } from "./observe/port.ts";
import { startStatusServer } from "./observe/statusServer.ts";
import { createLibp2pPeers } from "./peers/libp2pPeers.ts";
import type { PipelineDeps } from "./pipeline/deps.ts";
import { createDriver } from "./pipeline/driver.ts";
import { explain } from "./pipeline/explain.ts";
import { followChain } from "./pipeline/followChain.ts";
import { isNeeded } from "./pipeline/isNeeded.ts";
import { startLoop } from "./pipeline/loop.ts";
import { onOutcome } from "./pipeline/onOutcome.ts";
import { onPeerMessage } from "./pipeline/onPeerMessage.ts";
import { driveOutbox } from "./pipeline/outbox.ts";
import { lookAgain, onSecondLook, watchedRequest } from "./pipeline/watch.ts";
import { createBullmqQueue } from "./queue/bullmqQueue.ts";
import { connectRpc } from "./rpc/rpcClient.ts";
import { createViemSender } from "./submit/viemSender.ts";

const PENDING_LIMITS = { requests: 1_000, messagesPerRequest: 64, ttlMs: 60_000 };

/** `watcher`: only looks again at what operators propose, and challenges what is wrong. It has no stake and no peers. */
export type Role = "operator" | "watcher";

/** An operator's, or a watcher's, running software. */
export interface Coprocessor {
  /** 0 for a watcher. */
  operatorId: number;
  statusUrl: string;
  /** Multiaddrs that peers can dial. */
  addresses: string[];
  /** Resolves never, or rejects with what made going on impossible. */
  failed: Promise<never>;
  /** Finishes what is under way and closes everything. */
  stop(): Promise<void>;
}

/**
 * Composes and starts a node, with an embedded worker unless it has others: the only place that chooses adapters.
 *
 * @throws CoprocessorError of whatever part cannot start; what was started before it is closed again.
 */
export async function startCoprocessor(config: Config, role: Role = "operator"): Promise<Coprocessor> {
  const closers = new Closers();
  const log = createPinoLog(config.logLevel, { service: "sibyl" });
  try {
    return await compose(config, role, log, closers);
  } catch (error) {
    await closers.close(log);
    throw error;
  }
}

async function compose(config: Config, role: Role, rootLog: Log, closers: Closers): Promise<Coprocessor> {
  const key = await openAttesterKey(config.attester);
  const rpc = await connectRpc({ urls: config.rpcUrls, quorum: config.rpcQuorum, log: rootLog });
  closers.add("rpc", () => rpc.close());
  const contracts = await discoverContracts(rpc, config.oracle);
  const me = role === "watcher" ? 0 : await discoverOperator(rpc, contracts.operatorRegistry, key.address);
  const log = rootLog.child(role === "watcher" ? { watcher: key.address } : { operatorId: me });
  const scope = { chainId: rpc.chainId, oracle: config.oracle };

  const { store, backend } = await openStorage(config, log, closers);
  const namespace = config.queueNamespace ?? `${scope.chainId}-${role === "watcher" ? "watch" : me}`;
  const queueOptions = { backend, namespace, secret: config.queueSecret, log };
  const models = openModels(config, log);
  const queue = await createBullmqQueue({ ...queueOptions, capabilities: config.capabilities });
  closers.add("queue", () => queue.close());
  const peers =
    role === "watcher"
      ? silentPeers()
      : createLibp2pPeers({
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
    errors: [...inferenceOracleAbi, ...operatorRegistryAbi, ...juryArbiterAbi],
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
    arbiterOf: (which: number | Address) => chain.arbiter(which),
    watch: await watchingOf(config.watch, role, key, () => sender.balance()),
    timing: config.timing,
    log,
    now: Date.now,
    clock,
    pokeOutbox: () => outbox.poke(),
    pokeWatch: () => looking.poke(),
  };
  const driver = createDriver(parts, { repeatMs: config.repeatMs });
  const deps: PipelineDeps = { ...parts, wake: driver.wake };
  const outboxDeps = {
    store,
    submit: sender,
    log,
    isNeeded: (entryKey: RequestKey, kind: OutboxKind) => isNeeded(parts, entryKey, kind),
  };

  const outbox = startLoop("outbox", log, Date.now, () => driveOutbox(outboxDeps, Date.now()));
  closers.add("outbox", () => outbox.stop());
  const watchDeps = { ...deps, watch: parts.watch };
  const looking = startLoop("watch", log, Date.now, () => lookAgain(watchDeps));
  closers.add("watch", () => looking.stop());
  if (config.embeddedWorker) {
    const jobs = JOBS_PER_THREAD * config.inferenceThreads;
    const concurrency = Object.fromEntries(capabilitiesOf(config.capabilities).map((name) => [name, jobs]));
    await startWorker(config, { models, log, queueOptions, concurrency }, closers);
  }
  await peers.start((message) => onPeerMessage(deps, message));
  closers.add("peers", () => peers.stop());
  closers.add("driver", () => driver.stop());
  queue.onOutcome((jobKey, outcome) => {
    const watched = watchedRequest(jobKey);
    return watched === null ? onOutcome(deps, jobKey, outcome) : onSecondLook(watchDeps, watched, outcome);
  });

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

  const explained = async (about: "requests" | "disputes", limit: number) => {
    const records = await store.requests({ about, limit, newestFirst: true });
    return Promise.all(records.map((record) => explain(deps, record)));
  };
  const status = await startStatusServer(
    {
      async readiness() {
        const reasons = following.synced() ? [] : ["not caught up with the chain yet"];
        return { ready: reasons.length === 0, reasons };
      },
      async node() {
        return {
          role,
          operatorId: me,
          attester: key.address,
          ...scope,
          synced: following.synced(),
          head:
            clock.head === null
              ? null
              : { number: clock.head.number.toString(), timestamp: clock.head.timestamp },
          peers: peers.connected(),
          traffic: peers.traffic(),
          addresses: peers.addresses(),
          queue: await queue.counts(),
          balanceWei: (await sender.balance()).toString(),
          withdrawable: decimals(await readLedgers(rpc, contracts, key.address, me)),
        };
      },
      requests: (limit) => explained("requests", limit),
      disputes: (limit) => explained("disputes", limit),
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
    { statusUrl: status.url, queueNamespace: namespace, addresses: peers.addresses(), attester: key.address },
    `${role} started`,
  );
  return {
    operatorId: me,
    statusUrl: status.url,
    addresses: peers.addresses(),
    failed: following.failed,
    stop: () => closers.close(log),
  };
}

/** As JSON can hold it. */
const decimals = (amounts: object): Record<string, string> =>
  Object.fromEntries(Object.entries(amounts).map(([name, wei]) => [name, String(wei)]));
