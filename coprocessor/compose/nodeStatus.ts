import type { BalanceAlarm } from "../pipeline/balanceAlarm.ts";
import type { PipelineDeps } from "../pipeline/deps.ts";
import type { ChainFollowing } from "../pipeline/followChain.ts";
import type { TransactionSender } from "../submit/port.ts";
import type { Lifecycle } from "./lifecycle.ts";

export interface NodeStatusParts {
  deps: PipelineDeps;
  following: ChainFollowing;
  sender: TransactionSender;
  lifecycle: Lifecycle;
  balanceAlarm: BalanceAlarm;
}

/** What `/status` tells of a node; plain JSON values. */
export async function nodeStatus({
  deps,
  following,
  sender,
  lifecycle,
  balanceAlarm,
}: NodeStatusParts): Promise<object> {
  const { me, key, scope, clock, peers, queue, workload, recentFaults } = deps;
  return {
    operatorId: me,
    attester: key.address,
    ...scope,
    synced: following.synced(),
    catchingUp: following.progress(),
    readiness: lifecycle.readiness(),
    head:
      clock.head === null ? null : { number: clock.head.number.toString(), timestamp: clock.head.timestamp },
    peers: peers.connected(),
    addresses: peers.addresses(),
    queue: await queue.counts(),
    workload: {
      jobs: workload.size,
      backlogMs: Math.round(workload.backlogMs),
      serviceTimes: workload.times.list(Date.now()),
    },
    balanceWei: (await sender.balance()).toString(),
    lowBalanceBelowWei: balanceAlarm.thresholdWei?.toString() ?? null,
    faults: { count: recentFaults.count, latest: recentFaults.list() },
  };
}
