import type { Address } from "viem";
import { discoverContracts, discoverOperator } from "../chain/discoverContracts.ts";
import { discoverOpeningCourts } from "../chain/openingCourts.ts";
import { createRpcChain } from "../chain/rpcChain.ts";
import type { Config } from "../config.ts";
import { ChainClock } from "../core/chainClock.ts";
import { KnownSigners } from "../core/knownSigners.ts";
import { PendingMessages } from "../core/pendingMessages.ts";
import { RecentFaults } from "../core/recentFaults.ts";
import { Workload } from "../core/workload.ts";
import { recoverDigest } from "../keys/recover.ts";
import { createPinoLog } from "../observe/pinoLog.ts";
import type { PipelineDeps } from "../pipeline/deps.ts";
import { onStep } from "../pipeline/onStep.ts";
import { connectRpc } from "../rpc/rpcClient.ts";
import { openAttesterKey } from "./attesterKey.ts";
import { Closers } from "./closers.ts";
import { takeLeases } from "./lease.ts";
import { silentPeers } from "./silentPeers.ts";
import { openStorage } from "./storage.ts";

/** How far a rebuild is. */
export interface RebuildProgress {
  block: bigint;
  head: bigint;
  requests: number;
}

export interface RebuildResult {
  /** Rows that were taken back. */
  forgotten: { requests: number; blocks: number };
  /** Requests by state, as the chain and our own words have them now. */
  requests: Record<string, number>;
  head: bigint;
}

/**
 * Makes an operator's rows anew from the chain. Keeps what only this operator knows: what it signed, what it heard, receipts
 * and the outbox with its nonces.
 *
 * @param alone Whether the node follows this oracle alone.
 * @throws CoprocessorError `store/locked` or `node/already-running` while a node runs, and whatever a node's start throws.
 */
export async function rebuild(
  config: Config,
  alone: boolean,
  onProgress: (progress: RebuildProgress) => void,
): Promise<RebuildResult> {
  const closers = new Closers();
  const log = createPinoLog("error", { service: "sibyl rebuild" });
  try {
    const key = await openAttesterKey(config.attester);
    const rpc = await connectRpc({ urls: config.rpcUrls, quorum: config.rpcQuorum, log });
    closers.add("rpc", () => rpc.close());
    const contracts = await discoverContracts(rpc, config.oracle);
    const me = await discoverOperator(rpc, contracts.operatorRegistry, key.address);
    const scope = { chainId: rpc.chainId, oracle: config.oracle };
    const leases = await takeLeases(config, { scope, attester: key.address, log }, closers);
    const storage = await openStorage(config, { alone, log }, closers);
    const fence = leases.store?.token ?? null;
    const store = await storage.openStore({ ...scope, attester: key.address, fence });
    const chain = await createRpcChain({
      rpc,
      contracts,
      courts: await discoverOpeningCourts(rpc, contracts.operatorRegistry, config.startBlock),
      startBlock: config.startBlock,
      ...(config.confirmations === null ? {} : { confirmations: config.confirmations }),
      log,
    });
    // Before anything is taken back: a chain that cannot be read must not cost what is there.
    const target = await chain.head();
    const forgotten = await store.forgetChain();

    const deps: PipelineDeps = {
      ...{ scope, me, store, key, log, timing: config.timing },
      queue: nobodyWorks,
      models: nothingRuns,
      peers: nobodyListens,
      recover: (digest, signature): Address | undefined => recoverDigest(digest, signature),
      knownSigners: new KnownSigners(0),
      pending: new PendingMessages({ requests: 0, messagesPerRequest: 0, ttlMs: 0 }),
      waiting: new Map(),
      arbiterOf: (which) => chain.arbiter(which),
      // What is proposed now is looked at again by the next start.
      watch: null,
      workload: new Workload(() => {
        throw new Error("a rebuild takes no jobs");
      }),
      recentFaults: new RecentFaults(1),
      now: Date.now,
      clock: new ChainClock(),
      wake: () => {},
      pokeOutbox: () => {},
      pokeCourt: () => {},
      examineLater: () => {},
      pokeWatch: () => {},
    };
    let requests = 0;
    const reading = new AbortController();
    for await (const step of chain.follow([], reading.signal)) {
      await onStep(deps, step);
      if (step.type !== "blocks") continue;
      requests += step.events.filter(({ type }) => type === "RequestOpened").length;
      onProgress({ block: step.head.number, head: target.number, requests });
      if (step.head.number >= target.number) break;
    }
    reading.abort();
    const counts: Record<string, number> = {};
    for (const { state } of await store.requests({})) counts[state] = (counts[state] ?? 0) + 1;
    return { forgotten, requests: counts, head: target.number };
  } finally {
    await closers.close(log);
  }
}

/** The chain's steps alone are taken in; the queue is brought up to date by the next start. */
const nobodyWorks: PipelineDeps["queue"] = {
  add: async () => refuse(),
  onOutcome: () => refuse(),
  remove: async () => {},
  counts: async () => ({ waiting: 0, active: 0, parked: 0 }),
  depths: async () => [],
  jobs: async () => [],
  close: async () => {},
};
const nothingRuns: PipelineDeps["models"] = { manifest: async () => refuse(), resolve: async () => refuse() };
const nobodyListens: PipelineDeps["peers"] = { ...silentPeers(), publish: async () => refuse() };

function refuse(): never {
  throw new Error("a rebuild only reads the chain");
}
