import { Counter, Gauge, type Registry } from "prom-client";

/** How a queue is filled; see `JobQueue.depths`. */
export interface QueueFill {
  queue: string;
  waiting: number;
  active: number;
  delayed: number;
  failed: number;
  /** Milliseconds since the job that runs next was added; null when none waits. */
  headAgeMs: number | null;
}

/** How a node stands at one moment; null where the part that knows did not answer. */
export interface NodeFigures {
  /** Rows by state, and the database's bytes. */
  store: { requests: Readonly<Record<string, number>>; bytes: number } | null;
  queues: readonly QueueFill[] | null;
  /** Transactions that are owed: not signed yet, held back by the stop-loss, signed, and signed more than once. */
  outbox: { planned: number; held: number; signed: number; replaced: number; oldestMs: number } | null;
  balanceWei: bigint | null;
  balanceThresholdWei: bigint | null;
  head: { number: bigint; ageMs: number } | null;
  rpc: { usable: number; needed: number };
  peers: { connected: number; published: number; sent: number; received: number; copiedBytes: number };
  workload: { jobs: number; backlogMs: number };
  /** Codes of what keeps the node from being ready. */
  notReady: readonly string[];
  faults: number;
}

/**
 * Gauges that are read when somebody asks.
 *
 * @returns what brings them up to date. Figures that are null are left out, and counted as missed, rather than told as 0.
 */
export function createNodeGauges(registry: Registry): (figures: NodeFigures) => void {
  const registers = [registry];
  const gauge = (name: string, help: string, labelNames: string[] = []) =>
    new Gauge({ name, help, labelNames, registers });
  const counter = (name: string, help: string, labelNames: string[] = []) =>
    new Counter({ name, help, labelNames, registers });
  const requests = gauge(
    "sibyl_requests",
    "Requests and disputes that are not over, and those that were parked, by state.",
    ["state"],
  );
  const storeBytes = gauge("sibyl_store_size_bytes", "Size of the node's database on disk.");
  const jobs = gauge(
    "sibyl_queue_jobs",
    "Jobs by queue and state: waiting, active, delayed (before another try), failed (outcome not collected yet).",
    ["queue", "state"],
  );
  const headAge = gauge("sibyl_queue_head_age_seconds", "Age of the job that runs next; 0 when none waits.", [
    "queue",
  ]);
  const outbox = gauge(
    "sibyl_outbox_transactions",
    "Transactions that are owed: planned, held (stop-loss, among the planned), signed, replaced (among the signed).",
    ["state"],
  );
  const outboxAge = gauge(
    "sibyl_outbox_oldest_age_seconds",
    "Age of the oldest transaction that is owed; 0 when none is.",
  );
  const balance = gauge(
    "sibyl_attester_balance_wei",
    "What the attester's account holds, as a 64-bit float.",
  );
  const threshold = gauge(
    "sibyl_attester_balance_threshold_wei",
    "Below this the balance is too low; see LOW_BALANCE_SETTLEMENTS.",
  );
  const headNumber = gauge("sibyl_chain_head_number", "Number of the newest block that was taken in.");
  const headSince = gauge("sibyl_chain_head_age_seconds", "Our clock less the newest block's time.");
  const endpoints = gauge("sibyl_rpc_endpoints", "RPC endpoints: usable now, and needed (RPC_QUORUM).", [
    "state",
  ]);
  const connected = gauge("sibyl_peers_connected", "Peers that share our topic.");
  const messages = counter(
    "sibyl_gossip_messages_total",
    "Gossip messages: published (ours), sent (copies of ours), received (of others).",
    ["direction"],
  );
  const bytes = counter(
    "sibyl_gossip_received_bytes_total",
    "Bytes of all copies of messages that reached us.",
  );
  const taken = gauge("sibyl_workload_jobs", "Jobs that were taken and have not ended.");
  const backlog = gauge("sibyl_workload_backlog_seconds", "Predicted time until the longest queue is empty.");
  const ready = gauge("sibyl_ready", "1 while the node can serve requests.");
  const notReady = gauge("sibyl_not_ready", "1 for each reason why the node cannot serve; see /readyz.", [
    "reason",
  ]);
  const faults = counter("sibyl_faults_total", "Malformed events and the like, which were not acted on.");
  const missed = counter(
    "sibyl_figures_missed_total",
    "Figures that a part did not give in time for a scrape.",
    ["part"],
  );

  const total = (metric: Counter, value: number, labels: Record<string, string> = {}) => {
    metric.remove(labels);
    metric.inc(labels, value);
  };
  return (figures) => {
    const { store, queues, outbox: owed, head, rpc, peers, workload } = figures;
    for (const labelled of [requests, jobs, headAge, outbox, notReady]) labelled.reset();
    // Without labels a reset would say 0.
    for (const single of [storeBytes, outboxAge, balance, threshold]) single.remove();
    for (const part of ["store", "queues", "outbox", "balanceWei"] as const)
      if (figures[part] === null) missed.inc({ part });
    for (const [state, count] of Object.entries(store?.requests ?? {})) requests.set({ state }, count);
    if (store !== null) storeBytes.set(store.bytes);
    for (const { queue, headAgeMs, ...states } of queues ?? []) {
      for (const [state, count] of Object.entries(states)) jobs.set({ queue, state }, count);
      headAge.set({ queue }, (headAgeMs ?? 0) / 1_000);
    }
    if (owed !== null) {
      const { oldestMs, ...states } = owed;
      for (const [state, count] of Object.entries(states)) outbox.set({ state }, count);
      outboxAge.set(oldestMs / 1_000);
    }
    if (figures.balanceWei !== null) balance.set(Number(figures.balanceWei));
    if (figures.balanceThresholdWei !== null) threshold.set(Number(figures.balanceThresholdWei));
    if (head !== null) {
      headNumber.set(Number(head.number));
      headSince.set(head.ageMs / 1_000);
    }
    endpoints.set({ state: "usable" }, rpc.usable);
    endpoints.set({ state: "needed" }, rpc.needed);
    connected.set(peers.connected);
    for (const direction of ["published", "sent", "received"] as const)
      total(messages, peers[direction], { direction });
    total(bytes, peers.copiedBytes);
    taken.set(workload.jobs);
    backlog.set(workload.backlogMs / 1_000);
    ready.set(figures.notReady.length === 0 ? 1 : 0);
    for (const reason of figures.notReady) notReady.set({ reason }, 1);
    total(faults, figures.faults);
  };
}
