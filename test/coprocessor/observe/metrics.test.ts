import { describe, expect, test } from "vitest";
import {
  createOracleRegistry,
  createRegistry,
  expositionOf,
  expositionOfAll,
} from "../../../coprocessor/observe/promExposition.ts";
import { createNodeGauges, type NodeFigures } from "../../../coprocessor/observe/promNodeGauges.ts";
import { createNodeMetrics } from "../../../coprocessor/observe/promNodeMetrics.ts";
import { createProcessGauges } from "../../../coprocessor/observe/promProcessGauges.ts";
import { createWorkMetrics } from "../../../coprocessor/observe/promWorkMetrics.ts";
import { missingIn } from "../../telemetry/documentedMetrics.ts";
import { parseMetrics, sumOf } from "../../telemetry/metricsText.ts";
import { hash } from "../store/fixtures.ts";

const FIGURES: NodeFigures = {
  store: { requests: { waiting: 2, parked: 1 }, bytes: 4_096 },
  queues: [{ queue: "large", waiting: 3, active: 1, delayed: 0, failed: 0, headAgeMs: 2_500 }],
  outbox: { planned: 2, held: 1, signed: 1, replaced: 0, oldestMs: 9_000 },
  balanceWei: 10n ** 18n,
  balanceThresholdWei: 10n ** 16n,
  head: { number: 77n, ageMs: 1_500 },
  rpc: { usable: 2, needed: 1 },
  peers: { connected: 3, published: 5, sent: 15, received: 9, copiedBytes: 1_000 },
  workload: { jobs: 4, backlogMs: 800 },
  notReady: ["peers/none"],
  faults: 0,
};

function node() {
  const registry = createRegistry({ version: "1", role: "operator" });
  const show = createNodeGauges(registry, createProcessGauges(registry));
  const read = async (figures: NodeFigures) => {
    const { text } = expositionOf(registry, async () => show(figures));
    return parseMetrics(await text()).samples;
  };
  return { registry, read, metrics: createNodeMetrics(registry) };
}

describe("a node's metrics", () => {
  test("figures come in base units: seconds, bytes, wei", async () => {
    const samples = await node().read(FIGURES);
    const expected: [string, Record<string, string>, number][] = [
      ["sibyl_requests", { state: "parked" }, 1],
      ["sibyl_store_size_bytes", {}, 4_096],
      ["sibyl_queue_jobs", { queue: "large", state: "waiting" }, 3],
      ["sibyl_queue_head_age_seconds", { queue: "large" }, 2.5],
      ["sibyl_outbox_transactions", { state: "held" }, 1],
      ["sibyl_outbox_oldest_age_seconds", {}, 9],
      ["sibyl_attester_balance_wei", {}, 1e18],
      ["sibyl_chain_head_age_seconds", {}, 1.5],
      ["sibyl_rpc_endpoints", { state: "usable" }, 2],
      ["sibyl_gossip_messages_total", { direction: "sent" }, 15],
      ["sibyl_workload_backlog_seconds", {}, 0.8],
      ["sibyl_ready", {}, 0],
      ["sibyl_not_ready", { reason: "peers/none" }, 1],
    ];
    expect(expected.map(([name, labels]) => [name, labels, sumOf(samples, name, labels)])).toEqual(expected);
  });

  test("what a part did not give is left out and counted, and never told as 0", async () => {
    const { read } = node();
    await read(FIGURES);
    const missing = { store: null, queues: null, outbox: null, balanceWei: null } as const;
    const samples = await read({ ...FIGURES, ...missing });
    for (const name of [
      "sibyl_requests",
      "sibyl_store_size_bytes",
      "sibyl_queue_jobs",
      "sibyl_attester_balance_wei",
    ])
      expect([name, sumOf(samples, name)]).toEqual([name, null]);
    expect(sumOf(samples, "sibyl_figures_missed_total", { part: "queues" })).toBe(1);
  });

  test("what is over disappears: a reason, a state without rows", async () => {
    const { read } = node();
    await read(FIGURES);
    const samples = await read({ ...FIGURES, notReady: [], store: { requests: { waiting: 1 }, bytes: 1 } });
    expect(sumOf(samples, "sibyl_not_ready")).toBeNull();
    expect(sumOf(samples, "sibyl_requests", { state: "parked" })).toBeNull();
    expect(sumOf(samples, "sibyl_ready")).toBe(1);
  });

  test("what alerts look at begins at 0, so that the first one is an increase", async () => {
    const { read, metrics } = node();
    const before = await read(FIGURES);
    expect(sumOf(before, "sibyl_requests_over_total", { state: "parked" })).toBe(0);
    expect(sumOf(before, "sibyl_transactions_total", { kind: "settle", event: "reverted" })).toBe(0);
    metrics.requestOver("parked", 1_000);
    expect(sumOf(await read(FIGURES), "sibyl_requests_over_total", { state: "parked" })).toBe(1);
  });

  test("an RPC endpoint is told by its host", async () => {
    const { read, metrics } = node();
    metrics.rpcCalled({
      endpoint: "rpc.example:8545",
      method: "eth_call",
      outcome: "failed",
      durationMs: 250,
    });
    const samples = await read(FIGURES);
    const labels = { endpoint: "rpc.example:8545", method: "eth_call", outcome: "failed" };
    expect(sumOf(samples, "sibyl_rpc_calls_total", labels)).toBe(1);
    expect(sumOf(samples, "sibyl_rpc_call_duration_seconds_sum")).toBe(0.25);
  });
});

test("a worker's metrics stay bounded, however many models are published", async () => {
  const registry = createRegistry({ version: "1", role: "worker" });
  const metrics = createWorkMetrics(registry, () => null);
  for (let index = 0; index < 250; index++) {
    const run = { loadMs: 0, runMs: 5, batch: 2 };
    metrics.worked({ modelId: hash(`${index}`), modelName: `model ${index}`, outcome: "done", run });
  }
  const { samples } = parseMetrics(await registry.metrics());
  expect(samples.filter(({ name }) => name === "sibyl_jobs_total")).toHaveLength(101);
  expect(sumOf(samples, "sibyl_jobs_total", { model: "others" })).toBe(150);
  expect(sumOf(samples, "sibyl_inference_duration_seconds_sum")).toBeCloseTo(1.25);
  // Where the system does not tell, nothing is said.
  expect(sumOf(samples, "sibyl_inference_resident_bytes")).toBeNull();
});

test("a query for a metric that is not there, or for a histogram's bare name, is found out", () => {
  const types = new Map([
    ["sibyl_a_seconds", "histogram"],
    ["sibyl_b", "gauge"],
  ]);
  const expr = "rate(sibyl_a_seconds_bucket[5m]) + sibyl_a_seconds + sibyl_b + sibyl_b_count + sibyl_c";
  expect(missingIn(expr, types)).toEqual(["sibyl_a_seconds", "sibyl_b_count", "sibyl_c"]);
});

describe("the metrics of several oracles in one process", () => {
  const process = createRegistry({ version: "1", role: "operator" });
  const showProcess = createProcessGauges(process);
  const oracle = (name: string, figures: NodeFigures) => {
    const registry = createOracleRegistry(name);
    const show = createNodeGauges(registry, showProcess);
    const metrics = createNodeMetrics(registry);
    return { metrics, exposition: expositionOf(registry, async () => show(figures)) };
  };
  const base = oracle("base", { ...FIGURES, notReady: [] });
  const op = oracle("op-main", { ...FIGURES, head: { number: 5n, ageMs: 0 }, store: null });
  const read = async () => {
    const whole = expositionOf(process, async () => {});
    const all = expositionOfAll(whole, () => [base.exposition, op.exposition]);
    return { text: await all.text(), families: await all.families() };
  };

  test("each name is told once, with a series for each oracle; histograms too", async () => {
    base.metrics.stageEnded("run", 20);
    op.metrics.stageEnded("run", 20);
    op.metrics.stageEnded("run", 20);
    const { text, families } = await read();
    const typed = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
    expect(new Set(typed).size).toBe(typed.length);
    expect(families).toHaveLength(typed.length);
    const { samples } = parseMetrics(text);
    const of = (name: string, labels: Record<string, string> = {}) =>
      ["base", "op-main"].map((oracle) => sumOf(samples, name, { ...labels, oracle }));
    expect(of("sibyl_ready")).toEqual([1, 0]);
    expect(of("sibyl_chain_head_number")).toEqual([77, 5]);
    expect(of("sibyl_stage_duration_seconds_count", { stage: "run" })).toEqual([1, 2]);
    expect(of("sibyl_stage_duration_seconds_bucket", { stage: "run", le: "0.025" })).toEqual([1, 2]);
    expect(of("sibyl_requests", { state: "waiting" })).toEqual([2, null]);
  });

  test("what they share is told once, without a name: the process, the queue, the workload, the database", async () => {
    const { samples } = parseMetrics((await read()).text);
    for (const name of ["sibyl_info", "process_start_time_seconds", "sibyl_workload_jobs"]) {
      expect(samples.filter((sample) => sample.name === name)).toHaveLength(1);
    }
    const waiting = samples.filter(
      ({ name, labels }) => name === "sibyl_queue_jobs" && labels.state === "waiting",
    );
    expect(waiting).toEqual([
      { name: "sibyl_queue_jobs", labels: { queue: "large", state: "waiting" }, value: 3 },
    ]);
  });
});
