import { inferenceOracleAbi, juryArbiterAbi, openingCourtAbi, operatorRegistryAbi } from "@sibyl/sdk";
import type { Address, Hex } from "viem";
import { discoverContracts, discoverOperator, discoverUnbonding } from "../chain/discoverContracts.ts";
import { readLedgers } from "../chain/ledgers.ts";
import { discoverOpeningCourts } from "../chain/openingCourts.ts";
import { createRpcChain } from "../chain/rpcChain.ts";
import { createRpcStakes } from "../chain/rpcStakes.ts";
import type { OracleConfig } from "../config/oraclesConfig.ts";
import type { CatchUp } from "../core/catchUp.ts";
import { ChainClock } from "../core/chainClock.ts";
import { KnownSigners } from "../core/knownSigners.ts";
import type { MemoryBeginning } from "../core/memory.ts";
import type { OperatorRecord } from "../core/operators.ts";
import { PendingMessages } from "../core/pendingMessages.ts";
import { RecentFaults } from "../core/recentFaults.ts";
import type { RequestKey } from "../core/request.ts";
import { recoverDigest } from "../keys/recover.ts";
import type { createPinoLog } from "../observe/pinoLog.ts";
import type { StatusSource } from "../observe/statusServer.ts";
import { BalanceAlarm } from "../pipeline/balanceAlarm.ts";
import type { PipelineDeps } from "../pipeline/deps.ts";
import { createDriver } from "../pipeline/driver.ts";
import { followChain } from "../pipeline/followChain.ts";
import { startLoop } from "../pipeline/loop.ts";
import { onOutcome } from "../pipeline/onOutcome.ts";
import { onPeerMessage } from "../pipeline/onPeerMessage.ts";
import { lookAgain, onSecondLook, watchedRequest } from "../pipeline/watch.ts";
import { connectRpc } from "../rpc/rpcClient.ts";
import { createViemSender } from "../submit/viemSender.ts";
import { openAttesterKey } from "./attesterKey.ts";
import type { Closers } from "./closers.ts";
import type { Coprocessor } from "./coprocessor.ts";
import { composeCourt } from "./court.ts";
import { drain } from "./drain.ts";
import { openGossip } from "./gossip.ts";
import { listenForHeads } from "./heads.ts";
import type { WrapPort } from "./lastingPorts.ts";
import { watchLifecycle } from "./lifecycle.ts";
import { nodeQueue } from "./nodeQueue.ts";
import { nodeStatus, type Role, storedStatus } from "./nodeStatus.ts";
import { createObservation } from "./observation.ts";
import { startOutbox } from "./outbox.ts";
import { patiently } from "./patiently.ts";
import { queueStatus } from "./queueStatus.ts";
import { reloadConfig } from "./reload.ts";
import { applyRetention } from "./retention.ts";
import type { SharedParts } from "./sharedParts.ts";
import { composeSpotChecks } from "./spotChecks.ts";
import { standBy } from "./standby.ts";
import { watchingOf } from "./watching.ts";
import type { RunningWorker } from "./worker.ts";

/** Faults that the status shows. */
const MAX_RECENT_FAULTS = 50;
const MAX_KNOWN_SIGNERS = 8_192;
const PENDING_LIMITS = { requests: 1_000, messagesPerRequest: 64, ttlMs: 60_000 };

/**
 * Composes one oracle's node and starts it. As long as a node has parts: each is named once, in the order in which they are
 * opened, beside what it is given.
 *
 * @throws CoprocessorError of whatever part cannot start; `closers` then hold what was started before it.
 */
export async function composeNode({
  oracle: { name, config, variables },
  shared,
  role,
  wrap,
  signal,
  rootLog,
  closers,
}: {
  oracle: OracleConfig;
  shared: SharedParts;
  role: Role;
  wrap: WrapPort;
  signal: AbortSignal;
  rootLog: ReturnType<typeof createPinoLog>;
  closers: Closers;
}): Promise<Coprocessor> {
  const oracleLog = name === null ? rootLog : rootLog.child({ oracle: name });
  const key = await openAttesterKey(config.attester);
  const telemetry = shared.telemetry(name);
  const { metrics } = telemetry;
  const { models, registry } = shared;
  const { rpcUrls: urls, rpcQuorum: quorum } = config;
  const rpc = await connectRpc({ urls, quorum, log: oracleLog, onCall: metrics.rpcCalled });
  closers.add("rpc", () => rpc.close());
  const contracts = await patiently(oracleLog, "the oracle's registries", () =>
    discoverContracts(rpc, config.oracle),
  );
  const me =
    role === "watcher"
      ? 0
      : await patiently(oracleLog, "our operator id", () =>
          discoverOperator(rpc, contracts.operatorRegistry, key.address),
        );
  const log = oracleLog.child(role === "watcher" ? { watcher: key.address } : { operatorId: me });
  const scope = { chainId: rpc.chainId, oracle: config.oracle };

  const clock = new ChainClock();
  const tracing = shared.tracing({ actor: `${role}-${me}`, log });
  const observation = createObservation({ tracing, metrics, clock, isLive: () => synced(), now: Date.now });
  const namespace = shared.namespace(`${scope.chainId}-${role === "watcher" ? "watch" : me}`);
  const sealed = { namespace, secret: config.queueSecret, traced: tracing.on };
  const about = { operatorId: me, attester: key.address, ...scope };
  const standing = config.standby
    ? await standBy(
        config,
        { about, models, queue: sealed, telemetry: { tracing, registry }, log, signal },
        closers,
      )
    : null;
  const attester = key.address;
  const leases = await shared.leases({ scope, attester, log, standby: standing?.waiting }, closers);
  const ownStore = await shared.store({ ...scope, attester, fence: leases.store?.token ?? null });
  const store = observation.store(wrap("store", ownStore));
  const checks = shared.workerChecks();
  const spotChecks = await composeSpotChecks(config, { checks, key, own: () => worker?.name ?? null });
  const ownQueue = nodeQueue(await shared.queue(scope, sealed), {
    lease: leases.store,
    trust: checks?.trust ?? null,
    log,
    onDiscarded: (discarded) => driver.requeue(discarded),
  });
  const queue = observation.queue(wrap("queue", ownQueue));
  closers.add("queue", () => queue.close());
  // A node that was paused keeps its connections, and peers talk to one connection of a name: a node that takes over gets a
  // name of its own.
  const tenure =
    config.standby && leases.store !== null ? `/${leases.store.storeId}/${leases.store.token}` : "";
  const gossip = await openGossip(config, role, { scope, operatorId: me, key, tenure, store: ownStore, log });
  const peers = wrap("peers", gossip);
  const { startBlock } = config;
  const confirmations = config.confirmations === null ? {} : { confirmations: config.confirmations };
  const onTurn = () => lifecycle.pulse.beat("chain", Date.now());
  const courts = await patiently(log, "the opening courts", () =>
    discoverOpeningCourts(rpc, contracts.operatorRegistry, startBlock),
  );
  const hints = listenForHeads(config, log, closers);
  const chain = await patiently(log, "the contracts' code", () =>
    createRpcChain({ rpc, contracts, courts, startBlock, ...confirmations, ...hints, onTurn, log }),
  );
  const account = createViemSender({
    rpc,
    account: key.account,
    errors: [...inferenceOracleAbi, ...operatorRegistryAbi, ...juryArbiterAbi, ...openingCourtAbi],
  });
  const sender = wrap("submit", account);

  const live = { current: config };
  const workload = await shared.workload(live, store);
  closers.add("workload", async () => workload.leave());
  const parts = {
    scope,
    me,
    store,
    queue,
    models,
    peers,
    key,
    recover: (digest: Hex, signature: Hex): Address | undefined => recoverDigest(digest, signature),
    knownSigners: new KnownSigners(MAX_KNOWN_SIGNERS),
    pending: new PendingMessages(PENDING_LIMITS),
    waiting: new Map<RequestKey, string>(),
    arbiterOf: (which: number | Address) => chain.arbiter(which),
    watch: await watchingOf(
      () => live.current.watch,
      role,
      key,
      () => sender.balance(),
    ),
    workload,
    recentFaults: new RecentFaults(MAX_RECENT_FAULTS),
    spotChecks,
    timing: config.timing,
    log,
    now: Date.now,
    clock,
    pokeOutbox: () => outbox.poke(),
    pokeWatch: () => looking.poke(),
    pokeCourt: () => court.poke(),
    examineLater: (key: RequestKey) => court.examineLater(key),
  };
  const driver = createDriver(parts, { repeatMs: config.repeatMs });
  const deps: PipelineDeps = { ...parts, wake: driver.wake };
  const stakes = createRpcStakes(rpc, contracts.operatorRegistry, courts);
  const court = composeCourt(deps, {
    stakes,
    submit: sender,
    policy: config.court,
    synced: () => following.synced(),
  });
  const balanceAlarm = new BalanceAlarm(() => live.current.operations.lowBalanceSettlements, log);

  let operators: OperatorRecord[] = [];
  let synced = () => false;
  let progress: () => CatchUp | null = () => null;
  let memory: () => MemoryBeginning | null = () => null;
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
    memory: () => memory(),
    others: () => operators.filter(({ operatorId }) => operatorId !== me).length,
    log,
  });
  closers.add("lifecycle", async () => lifecycle.stop());
  const outbox = startOutbox(deps, {
    ...{ live, submit: sender, balanceAlarm },
    onTurn: () => lifecycle.pulse.beat("outbox", Date.now()),
  });
  closers.add("outbox", () => outbox.stop());
  const watchDeps = { ...deps, watch: parts.watch };
  const looking = startLoop("watch", log, Date.now, () => lookAgain(watchDeps));
  closers.add("watch", () => looking.stop());
  const worker: RunningWorker | null =
    standing === null ? await shared.worker(sealed, tracing) : standing.worker;
  await peers.start((message) => onPeerMessage(deps, message));
  closers.add("peers", () => peers.stop());
  closers.add("driver", () => driver.stop());
  queue.onOutcome(async (jobKey, outcome) => {
    const watched = watchedRequest(jobKey);
    if (watched !== null) return onSecondLook(watchDeps, watched, outcome);
    if (!(await court.onOutcome(jobKey, outcome))) await onOutcome(deps, jobKey, outcome);
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
  ({ synced, progress, memory } = following);
  closers.add("chain", () => following.stop());
  // A watcher hears no peers and answers for nothing.
  if (role === "operator") court.start();
  closers.add("court", () => court.stop());

  const unbondingSeconds = await discoverUnbonding(rpc, contracts.operatorRegistry);
  const retentionDays = () => live.current.operations.retentionDays;
  const retention = startLoop("retention", log, Date.now, () =>
    applyRetention({ store, log, retentionDays, unbondingSeconds, now: Date.now }),
  );
  closers.add("retention", () => retention.stop());

  const token = shared.controlToken();
  const source: StatusSource = {
    health: () => lifecycle.health(),
    readiness: () => lifecycle.readiness(),
    node: () =>
      nodeStatus({
        ...{ role, deps, following, sender, lifecycle, balanceAlarm },
        ledgers: () => readLedgers(rpc, contracts, key.address, me),
      }),
    ...storedStatus(deps),
    ...queueStatus(deps),
    admits: token.admits,
    metrics: telemetry.exposition({ deps, sender, balanceAlarm, lifecycle, rpcHealth: rpc.health }),
    ...court.status,
  };
  standing?.become(source);
  const status = standing?.status ?? (await shared.showStatus(source));
  if (standing === null) closers.add("status", () => status.close());
  let current = variables;
  log.info(
    { statusUrl: status.url, queueNamespace: namespace, addresses: peers.addresses(), attester: key.address },
    `${role} started`,
  );
  return {
    operatorId: me,
    statusUrl: status.url,
    addresses: peers.addresses(),
    failed: Promise.race([following.failed, leases.lost]),
    drain: () => drain({ workload, store, clock, log }, live.current.operations.drainTimeoutMs),
    get drainTimeoutMs() {
      return live.current.operations.drainTimeoutMs;
    },
    reload(next) {
      const warm = (modelIds: readonly Hex[]) => worker?.warm(modelIds);
      const setLogLevel = rootLog.setLevel;
      current = reloadConfig({ live, log, setLogLevel, warm, redial: dial }, current, next);
    },
    stop: () => closers.close(log),
  };
}
