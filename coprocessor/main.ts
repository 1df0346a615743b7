import { inferenceOracleAbi, juryArbiterAbi, operatorRegistryAbi } from "@sibyl/sdk";
import type { Address, Hex } from "viem";
import { discoverContracts, discoverOperator, discoverUnbonding } from "./chain/discoverContracts.ts";
import { readLedgers } from "./chain/ledgers.ts";
import { createRpcChain } from "./chain/rpcChain.ts";
import { openAttesterKey } from "./compose/attesterKey.ts";
import { Closers } from "./compose/closers.ts";
import { drain } from "./compose/drain.ts";
import { takeLeases } from "./compose/lease.ts";
import { watchLifecycle } from "./compose/lifecycle.ts";
import { openModels } from "./compose/models.ts";
import { outboxEconomics } from "./compose/outboxEconomics.ts";
import { reloadConfig } from "./compose/reload.ts";
import { applyRetention } from "./compose/retention.ts";
import { silentPeers } from "./compose/silentPeers.ts";
import { openStorage } from "./compose/storage.ts";
import { watchingOf } from "./compose/watching.ts";
import { JOBS_PER_THREAD, type RunningWorker, startWorker } from "./compose/worker.ts";
import { openWorkload } from "./compose/workload.ts";
import type { Config } from "./config.ts";
import { capabilitiesOf } from "./core/capability.ts";
import type { CatchUp } from "./core/catchUp.ts";
import { ChainClock } from "./core/chainClock.ts";
import type { OperatorRecord } from "./core/operators.ts";
import type { OutboxKind } from "./core/outbox.ts";
import { PendingMessages } from "./core/pendingMessages.ts";
import { RecentFaults } from "./core/recentFaults.ts";
import { type RequestKey, requestKey } from "./core/request.ts";
import { recoverDigest } from "./keys/recover.ts";
import { createPinoLog } from "./observe/pinoLog.ts";
import { startStatusServer } from "./observe/statusServer.ts";
import { createLibp2pPeers } from "./peers/libp2pPeers.ts";
import type { Peers } from "./peers/port.ts";
import { BalanceAlarm } from "./pipeline/balanceAlarm.ts";
import type { PipelineDeps } from "./pipeline/deps.ts";
import { createDriver } from "./pipeline/driver.ts";
import { explain } from "./pipeline/explain.ts";
import { followChain } from "./pipeline/followChain.ts";
import { isNeeded } from "./pipeline/isNeeded.ts";
import { startLoop } from "./pipeline/loop.ts";
import { onOutcome } from "./pipeline/onOutcome.ts";
import { onPeerMessage } from "./pipeline/onPeerMessage.ts";
import { driveOutbox } from "./pipeline/outbox.ts";
import type { Account } from "./pipeline/outboxDeps.ts";
import { lookAgain, onSecondLook, watchedRequest } from "./pipeline/watch.ts";
import { createBullmqQueue } from "./queue/bullmqQueue.ts";
import type { JobQueue } from "./queue/port.ts";
import { connectRpc } from "./rpc/rpcClient.ts";
import type { Store } from "./store/port.ts";
import type { TransactionSender } from "./submit/port.ts";
import { createViemSender } from "./submit/viemSender.ts";

/** Faults that the status shows. */
const MAX_RECENT_FAULTS = 50;
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
  /** Takes nothing new and finishes what is under way, as long as `DRAIN_TIMEOUT_MS` allows; false when that was not enough. */
  drain(): Promise<boolean>;
  /** Takes over what may change while the node runs; says in the log what did, and what takes a restart. */
  reload(variables: Record<string, string | undefined>): void;
  /** Closes everything, in order. */
  stop(): Promise<void>;
}

/** The ports through which a node leaves traces that outlive it. */
export interface LastingPorts {
  store: Store;
  queue: JobQueue;
  peers: Peers;
  submit: TransactionSender;
}

/** Puts something around a port, for whoever wants to watch or to interrupt what goes through it. */
export type WrapPort = <Name extends keyof LastingPorts>(
  name: Name,
  port: LastingPorts[Name],
) => LastingPorts[Name];

const asItIs: WrapPort = (_name, port) => port;

/**
 * Composes and starts a node, with an embedded worker unless it has others: the only place that chooses adapters.
 *
 * @param options.role An operator's node when not given.
 * @param options.variables What `config` was read from, to compare with at a reload.
 * @param options.wrap Put around the ports that it names; the ports as they are when not given.
 * @throws CoprocessorError of whatever part cannot start; what was started before it is closed again.
 */
export async function startCoprocessor(
  config: Config,
  {
    role = "operator",
    variables = {},
    wrap = asItIs,
  }: { role?: Role; variables?: Record<string, string | undefined>; wrap?: WrapPort } = {},
): Promise<Coprocessor> {
  const closers = new Closers();
  const log = createPinoLog(config.logLevel, { service: "sibyl" });
  try {
    return await compose(config, role, variables, wrap, log, closers);
  } catch (error) {
    await closers.close(log);
    throw error;
  }
}

async function compose(
  config: Config,
  role: Role,
  variables: Record<string, string | undefined>,
  wrap: WrapPort,
  rootLog: ReturnType<typeof createPinoLog>,
  closers: Closers,
): Promise<Coprocessor> {
  const key = await openAttesterKey(config.attester);
  const rpc = await connectRpc({ urls: config.rpcUrls, quorum: config.rpcQuorum, log: rootLog });
  closers.add("rpc", () => rpc.close());
  const contracts = await discoverContracts(rpc, config.oracle);
  const me = role === "watcher" ? 0 : await discoverOperator(rpc, contracts.operatorRegistry, key.address);
  const log = rootLog.child(role === "watcher" ? { watcher: key.address } : { operatorId: me });
  const scope = { chainId: rpc.chainId, oracle: config.oracle };

  const lease = await takeLeases(config, { scope, attester: key.address, log }, closers);
  const { store: ownStore, backend } = await openStorage(config, log, closers);
  const store = wrap("store", ownStore);
  const namespace = config.queueNamespace ?? `${scope.chainId}-${role === "watcher" ? "watch" : me}`;
  const queueOptions = { backend, namespace, secret: config.queueSecret, log };
  const models = openModels(config, log);
  const bullmq = await createBullmqQueue({ ...queueOptions, capabilities: config.capabilities });
  const queue = wrap("queue", bullmq);
  closers.add("queue", () => queue.close());
  const gossip =
    role === "watcher"
      ? silentPeers()
      : createLibp2pPeers({
          scope,
          seed: await key.derive("peer identity"),
          listen: config.p2p,
          announce: config.p2p.announce,
          log,
        });
  const peers = wrap("peers", gossip);
  const chain = await createRpcChain({
    rpc,
    contracts,
    startBlock: config.startBlock,
    ...(config.confirmations === null ? {} : { confirmations: config.confirmations }),
    onTurn: () => lifecycle.pulse.beat("chain", Date.now()),
    log,
  });
  const account = createViemSender({
    rpc,
    account: key.account,
    errors: [...inferenceOracleAbi, ...operatorRegistryAbi, ...juryArbiterAbi],
  });
  const sender = wrap("submit", account);

  const live = { current: config };
  const workload = await openWorkload(live, store);
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
    workload,
    recentFaults: new RecentFaults(MAX_RECENT_FAULTS),
    timing: config.timing,
    log,
    now: Date.now,
    clock,
    pokeOutbox: () => outbox.poke(),
    pokeWatch: () => looking.poke(),
  };
  const driver = createDriver(parts, { repeatMs: config.repeatMs });
  const deps: PipelineDeps = { ...parts, wake: driver.wake };
  const balanceAlarm = new BalanceAlarm(() => live.current.operations.lowBalanceSettlements, log);
  const outboxDeps = {
    store,
    submit: sender,
    log,
    economics: outboxEconomics(live, store, clock),
    onHeld: (heldKey: RequestKey) => driver.wake(heldKey),
    onAccount: (account: Account) => balanceAlarm.observe(account),
    isNeeded: (entryKey: RequestKey, kind: OutboxKind) => isNeeded(parts, entryKey, kind),
  };

  let operators: OperatorRecord[] = [];
  let synced = () => false;
  let progress: () => CatchUp | null = () => null;
  const lifecycle = watchLifecycle({
    live,
    rpcHealth: rpc.health,
    store,
    queue,
    peers,
    clock,
    workload,
    balanceAlarm,
    synced: () => synced(),
    progress: () => progress(),
    others: () => operators.filter(({ operatorId }) => operatorId !== me).length,
    log,
  });
  closers.add("lifecycle", async () => lifecycle.stop());
  const outbox = startLoop("outbox", log, Date.now, () => {
    lifecycle.pulse.beat("outbox", Date.now());
    return driveOutbox(outboxDeps, Date.now());
  });
  closers.add("outbox", () => outbox.stop());
  const watchDeps = { ...deps, watch: parts.watch };
  const looking = startLoop("watch", log, Date.now, () => lookAgain(watchDeps));
  closers.add("watch", () => looking.stop());
  let worker: RunningWorker | null = null;
  if (config.embeddedWorker) {
    const jobs = JOBS_PER_THREAD * config.inferenceThreads;
    const concurrency = Object.fromEntries(capabilitiesOf(config.capabilities).map((name) => [name, jobs]));
    worker = await startWorker(config, { models, log, queueOptions, concurrency }, closers);
  }
  await peers.start((message) => onPeerMessage(deps, message));
  closers.add("peers", () => peers.stop());
  closers.add("driver", () => driver.stop());
  queue.onOutcome((jobKey, outcome) => {
    const watched = watchedRequest(jobKey);
    return watched === null ? onOutcome(deps, jobKey, outcome) : onSecondLook(watchDeps, watched, outcome);
  });

  const dial = () => {
    const others = operators.filter(({ operatorId }) => operatorId !== me);
    peers.connect([...live.current.p2p.bootstrap, ...others.map(({ endpoint }) => endpoint)]);
  };
  const following = followChain(deps, chain, {
    resume: () => driver.resume(),
    onHead(block, live) {
      clock.observe(block, live, Date.now());
      outbox.poke();
    },
    onOperators: (known) => {
      operators = known;
      dial();
    },
  });
  ({ synced, progress } = following);
  closers.add("chain", () => following.stop());

  const unbondingSeconds = await discoverUnbonding(rpc, contracts.operatorRegistry);
  const retentionDays = () => live.current.operations.retentionDays;
  const retention = startLoop("retention", log, Date.now, () =>
    applyRetention({ store, log, retentionDays, unbondingSeconds, now: Date.now }),
  );
  closers.add("retention", () => retention.stop());

  const explained = async (about: "requests" | "disputes", limit: number) => {
    const records = await store.requests({ about, limit, newestFirst: true });
    return Promise.all(records.map((record) => explain(deps, record)));
  };
  const status = await startStatusServer(
    {
      health: () => lifecycle.health(),
      readiness: () => lifecycle.readiness(),
      async node() {
        return {
          role,
          operatorId: me,
          attester: key.address,
          ...scope,
          synced: following.synced(),
          catchingUp: following.progress(),
          head:
            clock.head === null
              ? null
              : { number: clock.head.number.toString(), timestamp: clock.head.timestamp },
          peers: peers.connected(),
          traffic: peers.traffic(),
          addresses: peers.addresses(),
          queue: await queue.counts(),
          workload: {
            jobs: workload.size,
            backlogMs: Math.round(workload.backlogMs),
            serviceTimes: workload.times.list(Date.now()),
          },
          balanceWei: (await sender.balance()).toString(),
          withdrawable: decimals(await readLedgers(rpc, contracts, key.address, me)),
          readiness: await lifecycle.readiness(),
          faults: { count: parts.recentFaults.count, latest: parts.recentFaults.list() },
          lowBalanceBelowWei: balanceAlarm.thresholdWei?.toString() ?? null,
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
  let current = variables;
  log.info(
    { statusUrl: status.url, queueNamespace: namespace, addresses: peers.addresses(), attester: key.address },
    `${role} started`,
  );
  return {
    operatorId: me,
    statusUrl: status.url,
    addresses: peers.addresses(),
    failed: Promise.race([following.failed, lease.lost]),
    drain: () => drain({ workload, store, clock, log }, live.current.operations.drainTimeoutMs),
    reload(next) {
      const warm = (modelIds: readonly Hex[]) => worker?.warm(modelIds);
      const setLogLevel = rootLog.setLevel;
      current = reloadConfig({ live, log, setLogLevel, warm, redial: dial }, current, next);
    },
    stop: () => closers.close(log),
  };
}

/** As JSON can hold it. */
const decimals = (amounts: object): Record<string, string> =>
  Object.fromEntries(Object.entries(amounts).map(([name, wei]) => [name, String(wei)]));
