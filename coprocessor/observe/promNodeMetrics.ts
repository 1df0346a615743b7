import { Counter, Histogram, type Registry } from "prom-client";
import type { NodeMetrics } from "./port.ts";

/** Seconds: from a stage that only writes a row to a challenge window. */
const STAGE_BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3_600];
const CALL_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const DEPTH_BUCKETS = [1, 2, 4, 8, 16, 32, 64];

/** What a node counts as it happens. Durations are seconds. */
export function createNodeMetrics(registry: Registry): NodeMetrics {
  const registers = [registry];
  const stages = new Histogram({
    name: "sibyl_stage_duration_seconds",
    help: "How long one part of a request's way took: draw, admission, run, commit, reveal, attest, settle, propose, finalize.",
    labelNames: ["stage"],
    buckets: STAGE_BUCKETS,
    registers,
  });
  const over = new Counter({
    name: "sibyl_requests_over_total",
    help: "Requests that this node had a part in and that are over, by how: settled, expired, parked.",
    labelNames: ["state"],
    registers,
  });
  const whole = new Histogram({
    name: "sibyl_request_duration_seconds",
    help: "From a request's block, whose time is in whole seconds, until it was over, by how.",
    labelNames: ["state"],
    buckets: STAGE_BUCKETS,
    registers,
  });
  const transactions = new Counter({
    name: "sibyl_transactions_total",
    help: "What became of our transactions: signed, replaced (bid more), mined, reverted, abandoned, held (would cost more than it pays).",
    labelNames: ["kind", "event"],
    registers,
  });
  const reorgs = new Histogram({
    name: "sibyl_reorg_depth_blocks",
    help: "Blocks that a reorganisation of the chain took back.",
    buckets: DEPTH_BUCKETS,
    registers,
  });
  const calls = new Counter({
    name: "sibyl_rpc_calls_total",
    help: "Calls of RPC endpoints: answered, refused (understood and declined), failed (no usable answer).",
    labelNames: ["endpoint", "method", "outcome"],
    registers,
  });
  const callTimes = new Histogram({
    name: "sibyl_rpc_call_duration_seconds",
    help: "How long an RPC endpoint took to answer or to fail.",
    labelNames: ["endpoint"],
    buckets: CALL_BUCKETS,
    registers,
  });
  // A series that begins at 1 shows no increase: those that alerts look at begin at 0.
  for (const state of ["settled", "expired", "parked"]) over.inc({ state }, 0);
  for (const event of ["signed", "replaced", "mined", "reverted", "abandoned", "held"])
    transactions.inc({ kind: "settle", event }, 0);
  return {
    stageEnded: (stage, durationMs) => stages.observe({ stage }, durationMs / 1_000),
    requestOver(state, durationMs) {
      over.inc({ state });
      if (durationMs !== null) whole.observe({ state }, durationMs / 1_000);
    },
    transaction: (kind, event) => transactions.inc({ kind, event }),
    reorganised: (depthBlocks) => reorgs.observe(depthBlocks),
    rpcCalled({ endpoint, method, outcome, durationMs }) {
      calls.inc({ endpoint, method, outcome });
      callTimes.observe({ endpoint }, durationMs / 1_000);
    },
  };
}
