import { inferenceOracleAbi, juryArbiterAbi, openingCourtAbi, operatorRegistryAbi } from "@sibyl/sdk";
import type { Address, Hex } from "viem";
import { discoverContracts, discoverOperator, discoverUnbonding } from "./chain/discoverContracts.ts";
import { readLedgers } from "./chain/ledgers.ts";
import { discoverOpeningCourts } from "./chain/openingCourts.ts";
import { createRpcChain } from "./chain/rpcChain.ts";
import { createRpcStakes } from "./chain/rpcStakes.ts";
import { openAttesterKey } from "./compose/attesterKey.ts";
import { Closers } from "./compose/closers.ts";
import type { Coprocessor } from "./compose/coprocessor.ts";
import { composeCourt } from "./compose/court.ts";
import { drain } from "./compose/drain.ts";
import { openGossip } from "./compose/gossip.ts";
import { listenForHeads } from "./compose/heads.ts";
import { asItIs, type WrapPort } from "./compose/lastingPorts.ts";
import { takeLeases } from "./compose/lease.ts";
import { watchLifecycle } from "./compose/lifecycle.ts";
import { nodeStatus, type Role, storedStatus } from "./compose/nodeStatus.ts";
import { startOutbox } from "./compose/outbox.ts";
import { patiently } from "./compose/patiently.ts";
import { reloadConfig } from "./compose/reload.ts";
import { applyRetention } from "./compose/retention.ts";
import { startOracles } from "./compose/severalOracles.ts";
import { openSharedParts, type SharedParts } from "./compose/sharedParts.ts";
import { watchingOf } from "./compose/watching.ts";
import type { OracleConfig } from "./config/oraclesConfig.ts";
import type { Config } from "./config.ts";
import type { CatchUp } from "./core/catchUp.ts";
import { ChainClock } from "./core/chainClock.ts";
import type { OperatorRecord } from "./core/operators.ts";
import { PendingMessages } from "./core/pendingMessages.ts";
import { RecentFaults } from "./core/recentFaults.ts";
import type { RequestKey } from "./core/request.ts";
import { recoverDigest } from "./keys/recover.ts";
import { createPinoLog } from "./observe/pinoLog.ts";
import { BalanceAlarm } from "./pipeline/balanceAlarm.ts";
import type { PipelineDeps } from "./pipeline/deps.ts";
import { createDriver } from "./pipeline/driver.ts";
import { followChain } from "./pipeline/followChain.ts";
import { startLoop } from "./pipeline/loop.ts";
import { onOutcome } from "./pipeline/onOutcome.ts";
import { onPeerMessage } from "./pipeline/onPeerMessage.ts";
import { lookAgain, onSecondLook, watchedRequest } from "./pipeline/watch.ts";
import { connectRpc } from "./rpc/rpcClient.ts";
import { createViemSender } from "./submit/viemSender.ts";

/** Faults that the status shows. */
const MAX_RECENT_FAULTS = 50;
const PENDING_LIMITS = { requests: 1_000, messagesPerRequest: 64, ttlMs: 60_000 };

/**
 * Composes and starts a node, with an embedded worker unless it has others. Nobody but this and `compose/` chooses adapters.
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
  const rootLog = createPinoLog(config.logLevel, { service: "sibyl" });
  const shared = openSharedParts(config, rootLog, closers);
  const oracle = { name: null, config, variables };
  try {
    return await compose({ oracle, shared, role, wrap, rootLog, closers });
  } catch (error) {
    await closers.close(rootLog);
    throw error;
  }
}

/**
 * As `startCoprocessor`, for all oracles that a configuration names: in one process, each with a chain, rows and peers of its
 * own, over one queue, one set of workers and models, and one status address.
 *
 * @throws CoprocessorError of whatever part cannot start, if nothing but a person can help.
 */
export async function startNode(
  oracles: readonly OracleConfig[],
  { role = "operator" }: { role?: Role } = {},
): Promise<Coprocessor> {
  const [first] = oracles;
  if (first === undefined) throw new Error("a node serves at least one oracle");
  if (first.name === null) return startCoprocessor(first.config, { role, variables: first.variables });
  const rootLog = createPinoLog(first.config.logLevel, { service: "sibyl" });
  return startOracles(oracles, rootLog, (oracle, shared, closers) =>
    compose({ oracle, shared, role, wrap: asItIs, rootLog, closers }),
  );
}

async function compose({
  oracle: { name, config, variables },
  shared,
  role,
  wrap,
  rootLog,
  closers,
}: {
  oracle: OracleConfig;
  shared: SharedParts;
  role: Role;
  wrap: WrapPort;
  rootLog: ReturnType<typeof createPinoLog>;
  closers: Closers;
}): Promise<Coprocessor> {
  const oracleLog = name === null ? rootLog : rootLog.child({ oracle: name });
  const key = await openAttesterKey(config.attester);
  const rpc = await connectRpc({ urls: config.rpcUrls, quorum: config.rpcQuorum, log: oracleLog });
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

  const lease = await takeLeases(config, { scope, attester: key.address, log }, closers);
  const store = wrap("store", await shared.store({ ...scope, attester: key.address }));
  const ours = `${scope.chainId}-${role === "watcher" ? "watch" : me}`;
  const { queue: ownQueue, namespace } = await shared.queue(scope, ours);
  const queue = wrap("queue", ownQueue);
  const { models } = shared;
  const peers = wrap("peers", await openGossip(config, role, { scope, key, log }));
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
    watch: await watchingOf(
      () => live.current.watch,
      role,
      key,
      () => sender.balance(),
    ),
    workload,
    recentFaults: new RecentFaults(MAX_RECENT_FAULTS),
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
  const outbox = startOutbox(deps, {
    ...{ live, submit: sender, balanceAlarm },
    onTurn: () => lifecycle.pulse.beat("outbox", Date.now()),
  });
  closers.add("outbox", () => outbox.stop());
  const watchDeps = { ...deps, watch: parts.watch };
  const looking = startLoop("watch", log, Date.now, () => lookAgain(watchDeps));
  closers.add("watch", () => looking.stop());
  const worker = await shared.worker();
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
  ({ synced, progress } = following);
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

  const status = await shared.showStatus({
    health: () => lifecycle.health(),
    readiness: () => lifecycle.readiness(),
    node: () =>
      nodeStatus({
        ...{ role, deps, following, sender, lifecycle, balanceAlarm },
        ledgers: () => readLedgers(rpc, contracts, key.address, me),
      }),
    ...storedStatus(deps),
    ...court.status,
  });
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
