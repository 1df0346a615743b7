import type { BalanceAlarm } from "../pipeline/balanceAlarm.ts";
import type { PipelineDeps } from "../pipeline/deps.ts";
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
  const { me, key, scope, clock, peers, queue, workload, recentFaults } = deps;
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
    traffic: peers.traffic(),
    addresses: peers.addresses(),
    queue: await queue.counts(),
    workload: {
      jobs: workload.size,
      backlogMs: Math.round(workload.backlogMs),
      serviceTimes: workload.times.list(Date.now()),
    },
    balanceWei: (await sender.balance()).toString(),
    withdrawable: decimals(await ledgers()),
    lowBalanceBelowWei: balanceAlarm.thresholdWei?.toString() ?? null,
    faults: { count: recentFaults.count, latest: recentFaults.list() },
  };
}

/** As JSON can hold it. */
const decimals = (amounts: object): Record<string, string> =>
  Object.fromEntries(Object.entries(amounts).map(([name, wei]) => [name, String(wei)]));
