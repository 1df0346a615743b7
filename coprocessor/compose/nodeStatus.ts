import type { Hex } from "viem";
import { CoprocessorError } from "../core/errors.ts";
import { requestKey } from "../core/request.ts";
import type { StatusSource } from "../observe/statusServer.ts";
import type { BalanceAlarm } from "../pipeline/balanceAlarm.ts";
import type { PipelineDeps } from "../pipeline/deps.ts";
import { explain } from "../pipeline/explain.ts";
import type { ChainFollowing } from "../pipeline/followChain.ts";
import type { TransactionSender } from "../submit/port.ts";
import type { Lifecycle } from "./lifecycle.ts";

/** `watcher`: only looks again at what operators propose, and challenges what is wrong. It has no stake and no peers. */
export type Role = "operator" | "watcher";

export interface NodeStatusParts {
  role: Role;
  deps: PipelineDeps;
  following: ChainFollowing;
  sender: TransactionSender;
  lifecycle: Lifecycle;
  balanceAlarm: BalanceAlarm;
  /** What may be withdrawn, in wei, by ledger. */
  ledgers(): Promise<object>;
}

/** What `/status` tells of a node; plain JSON values. */
export async function nodeStatus({
  role,
  deps,
  following,
  sender,
  lifecycle,
  balanceAlarm,
  ledgers,
}: NodeStatusParts): Promise<object> {
  const { me, key, scope, clock, peers, queue, workload, recentFaults, spotChecks } = deps;
  return {
    role,
    operatorId: me,
    attester: key.address,
    ...scope,
    synced: following.synced(),
    catchingUp: following.progress(),
    readiness: lifecycle.readiness(),
    head:
      clock.head === null ? null : { number: clock.head.number.toString(), timestamp: clock.head.timestamp },
    peers: peers.connected(),
    peerOperators: peers.operators(),
    traffic: peers.traffic(),
    addresses: peers.addresses(),
    queue: await queue.counts(),
    workload: {
      jobs: workload.size,
      backlogMs: Math.round(workload.backlogMs),
      serviceTimes: workload.times.list(Date.now()),
    },
    parkedWorkers: spotChecks?.trust.list() ?? [],
    balanceWei: await whileAnswered(sender.balance(), String),
    withdrawable: await whileAnswered(ledgers(), decimals),
    lowBalanceBelowWei: balanceAlarm.thresholdWei?.toString() ?? null,
    faults: { count: recentFaults.count, latest: recentFaults.list() },
  };
}

/** What the status server tells from the store. */
export function storedStatus(
  deps: PipelineDeps,
): Pick<StatusSource, "requests" | "disputes" | "request" | "receipts" | "receipt"> {
  const { store, scope } = deps;
  const keyOf = (requestId: string) => requestKey(scope.chainId, scope.oracle, requestId as Hex);
  const explained = async (about: "requests" | "disputes", limit: number) => {
    const records = await store.requests({ about, limit, newestFirst: true });
    return Promise.all(records.map((record) => explain(deps, record)));
  };
  return {
    requests: (limit) => explained("requests", limit),
    disputes: (limit) => explained("disputes", limit),
    async request(requestId) {
      const record = await store.request(keyOf(requestId));
      return record === null ? null : explain(deps, record);
    },
    receipts: (limit) => store.receipts(limit),
    receipt: (requestId) => store.receipt(keyOf(requestId)),
  };
}

/** Null while no endpoint of the chain answers: then `readiness` says so, which is what the status is asked for. */
async function whileAnswered<T, Shown>(asking: Promise<T>, show: (value: T) => Shown): Promise<Shown | null> {
  try {
    return show(await asking);
  } catch (error) {
    if (error instanceof CoprocessorError && error.retry === "backoff") return null;
    throw error;
  }
}

/** As JSON can hold it. */
const decimals = (amounts: object): Record<string, string> =>
  Object.fromEntries(Object.entries(amounts).map(([name, wei]) => [name, String(wei)]));
