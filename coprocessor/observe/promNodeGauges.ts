import { Counter, Gauge, type Registry } from "prom-client";
import type { ProcessFigures } from "./promProcessGauges.ts";
import { createReadinessGauges } from "./promReadiness.ts";

/** How a node stands at one moment; null where the part that knows did not answer. */
export interface NodeFigures extends Pick<ProcessFigures, "queues" | "workload"> {
  /** Rows by state, and the database's bytes. */
  store: { requests: Readonly<Record<string, number>>; bytes: number } | null;
  /** Transactions that are owed: not signed yet, held back by the stop-loss, signed, and signed more than once. */
  outbox: { planned: number; held: number; signed: number; replaced: number; oldestMs: number } | null;
  balanceWei: bigint | null;
  balanceThresholdWei: bigint | null;
  head: { number: bigint; ageMs: number } | null;
  rpc: { usable: number; needed: number };
  peers: { connected: number; published: number; sent: number; received: number; copiedBytes: number };
  /** Codes of what keeps the node from being ready. */
  notReady: readonly string[];
  faults: number;
}

/**
 * Gauges that are read when somebody asks.
 *
 * @param showProcess Shows what is not this node's alone where its process serves several oracles.
 * @returns what brings them up to date. Figures that are null are left out, and counted as missed, rather than told as 0.
 */
export function createNodeGauges(
  registry: Registry,
  showProcess: (figures: ProcessFigures) => void,
): (figures: NodeFigures) => void {
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
  const showReadiness = createReadinessGauges(registry);
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
    for (const labelled of [requests, outbox]) labelled.reset();
    // Without labels a reset would say 0.
    for (const single of [outboxAge, balance, threshold]) single.remove();
    for (const part of ["store", "queues", "outbox", "balanceWei"] as const)
      if (figures[part] === null) missed.inc({ part });
    for (const [state, count] of Object.entries(store?.requests ?? {})) requests.set({ state }, count);
    showProcess({ queues, workload, storeBytes: store?.bytes ?? null });
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
    showReadiness(figures.notReady);
    total(faults, figures.faults);
  };
}
