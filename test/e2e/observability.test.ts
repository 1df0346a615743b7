import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Address } from "viem";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Network } from "../../scripts/network/startNetwork.ts";
import { Teardown } from "../../scripts/network/teardown.ts";
import { until as untilIn } from "../../scripts/network/until.ts";
import type { WorkerProcess } from "../../scripts/network/workerProcess.ts";
import { type CollectedSpan, type Collector, startCollector } from "../telemetry/collector.ts";
import { documentedQueries, missingIn } from "../telemetry/documentedMetrics.ts";
import { parseMetrics, type Sample, sumOf } from "../telemetry/metricsText.ts";
import { deployBoard, HAM, type Posted, post, SPAM, settled } from "./board.ts";
import { type FleetNetwork, startFleetNetwork, unavailable } from "./fleetNetwork.ts";
import { keepOnFailure } from "./keepOnFailure.ts";

const COMMAND = join(import.meta.dirname, "..", "..", "coprocessor", "bin", "sibyl.js");
const run = promisify(execFile);

const skipped = unavailable;
const teardown = new Teardown();
let collector: Collector;
let fleet: FleetNetwork;
let network: Network;
let board: Address;
let worker: WorkerProcess;
let waited: Posted;

keepOnFailure(() => network);
beforeAll(async () => {
  if (skipped !== null) return;
  collector = await startCollector(teardown);
  fleet = await startFleetNetwork(teardown, { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
  network = fleet.network;
  board = await deployBoard(network, { committeeSize: 1, quorum: 1, lifetimeSeconds: 240 });
  // A node answers nothing that was opened in the second in which its memory begins.
  const startedBy = BigInt(Math.ceil(Date.now() / 1_000));
  await until("a later block", async () =>
    (await network.client.reader.getBlock()).timestamp > startedBy ? true : null,
  );
});
afterAll(async () => {
  await teardown.run();
  expect(teardown.failures).toEqual([]);
});

const until = <T>(what: string, look: () => Promise<T | null>): Promise<T> =>
  untilIn(what, look, { timeoutMs: 30_000 });

const named = (title: string) => `${title}${skipped === null ? "" : ` (skipped: ${skipped})`}`;
const statusUrl = () => network.operators[0]?.process?.statusUrl ?? "";

/** `sibyl queue …`, asked of the operator's node. */
const queueCommand = async (...args: string[]) =>
  (await run(process.execPath, [COMMAND, "queue", ...args, "--url", statusUrl()])).stdout;
const ofTheNode = () => ["--data-dir", join(network.operators[0]?.folder ?? "", "data")];

async function scrape(url: string | null | undefined) {
  const response = await fetch(`${url}/metrics`);
  expect(response.headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
  return parseMetrics(await response.text());
}

/** Waits for what the node stores and counts a moment after the chain. */
const eventually = (what: string, holds: (samples: Sample[]) => boolean) =>
  until(what, async () => {
    const { samples } = await scrape(statusUrl());
    return holds(samples) ? samples : null;
  });

test.skipIf(skipped !== null)(
  named("queue: a job that no worker takes is seen, dropped, and taken up again"),
  async () => {
    waited = await post(network, board, SPAM);
    await until("the job in the queue", async () =>
      (await queueCommand()).includes(waited.requestId) ? true : null,
    );
    expect(await queueCommand()).toMatch(/^inference +0 +1 +0 +0 +\d+ s$/m);
    const { samples } = await scrape(statusUrl());
    expect(sumOf(samples, "sibyl_queue_jobs", { queue: "inference", state: "waiting" })).toBe(1);

    const elsewhere = ["--data-dir", network.folder];
    await expect(queueCommand("drop", waited.requestId, ...elsewhere)).rejects.toThrow("control/no-token");
    const forged = { method: "POST", headers: { authorization: `Bearer ${"0".repeat(64)}` } };
    expect((await fetch(`${statusUrl()}/queue/${waited.requestId}/drop`, forged)).status).toBe(401);

    expect(JSON.parse(await queueCommand("drop", waited.requestId, ...ofTheNode()))).toMatchObject({
      state: "parked",
    });
    const { jobs, parked } = JSON.parse(await queueCommand("--json"));
    expect(jobs).toEqual([]);
    expect(parked).toMatchObject([{ requestId: waited.requestId, inTime: true }]);
    expect(parked[0].reason).toMatch(/^operator\/dropped: /);
    await expect(queueCommand("drop", waited.requestId, ...ofTheNode())).rejects.toThrow(
      "request/not-droppable",
    );
    await eventually(
      "the parked request",
      (found) => sumOf(found, "sibyl_requests_over_total", { state: "parked" }) === 1,
    );

    expect(JSON.parse(await queueCommand("retry", waited.requestId, ...ofTheNode()))).toMatchObject({
      state: "waiting",
    });
    await until("the job in the queue again", async () => {
      const view = JSON.parse(await queueCommand("--json"));
      return view.jobs.length === 1 && view.parked.length === 0 ? true : null;
    });
  },
  120_000,
);

test.skipIf(skipped !== null)(
  named("metrics: node and worker tell what became of a request, and all that dashboard and alerts ask for"),
  async () => {
    worker = await fleet.startWorker({
      STATUS_LISTEN: "127.0.0.1:0",
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    });
    await settled(network, waited);
    const samples = await eventually(
      "the settled request",
      (found) => sumOf(found, "sibyl_requests_over_total", { state: "settled" }) === 1,
    );
    expect(sumOf(samples, "sibyl_info", { role: "operator" })).toBe(1);
    expect(sumOf(samples, "sibyl_ready")).toBe(1);
    expect(sumOf(samples, "sibyl_request_duration_seconds_count", { state: "settled" })).toBe(1);
    for (const stage of ["draw", "admission", "run", "commit", "reveal", "attest", "settle"])
      expect([stage, sumOf(samples, "sibyl_stage_duration_seconds_count", { stage })]).not.toEqual([
        stage,
        null,
      ]);
    expect(sumOf(samples, "sibyl_transactions_total", { kind: "settle", event: "signed" })).toBe(1);
    const endpoint = new URL(network.client.rpcUrl).host;
    expect(sumOf(samples, "sibyl_rpc_calls_total", { endpoint, outcome: "answered" })).toBeGreaterThan(10);
    expect(sumOf(samples, "sibyl_attester_balance_wei")).toBeGreaterThan(1e17);
    expect(sumOf(samples, "sibyl_store_size_bytes")).toBeGreaterThan(1e6);
    // Labels never carry a request: what is counted stays bounded.
    expect(JSON.stringify(samples.map(({ labels }) => labels))).not.toContain(waited.requestId.slice(2));

    const node = await scrape(statusUrl());
    const working = await scrape(worker.statusUrl);
    expect(sumOf(working.samples, "sibyl_jobs_total", { model: "spam-text", outcome: "done" })).toBe(1);
    expect(sumOf(working.samples, "sibyl_inference_duration_seconds_count", { model: "spam-text" })).toBe(1);
    expect(sumOf(working.samples, "sibyl_inference_load_duration_seconds_count")).toBe(1);
    expect(sumOf(working.samples, "sibyl_inference_batch_size_sum")).toBe(1);
    expect(sumOf(working.samples, "sibyl_inference_resident_bytes")).toBeGreaterThan(1e7);

    const types = new Map([...node.types, ...working.types]);
    const queries = documentedQueries();
    expect(queries.length).toBeGreaterThan(40);
    expect(
      queries.flatMap(({ place, expr }) => missingIn(expr, types).map((name) => `${place}: ${name}`)),
    ).toEqual([]);
    // And nothing is exposed that nobody looks at.
    const asked = queries.map(({ expr }) => expr).join(" ");
    expect([...types.keys()].filter((name) => name.startsWith("sibyl_") && !asked.includes(name))).toEqual(
      [],
    );
  },
  120_000,
);

test.skipIf(skipped !== null)(
  named("traces: one request from its event to its callback, across node, queue and worker"),
  async () => {
    const posted = await post(network, board, HAM);
    const { transaction } = await settled(network, posted);
    const traceId = posted.requestId.slice(2, 34);
    const spans = await until("the whole trace at the collector", async () => {
      const found = collector.spans.filter((span) => span.traceId === traceId);
      const names = found.map(({ name }) => name);
      const whole = ["request", "callback", "inference", "transaction settle 0"].every((name) =>
        names.includes(name),
      );
      return whole && names.some((name) => name.startsWith("process ")) ? found : null;
    });
    const one = (name: string): CollectedSpan => {
      const found = spans.filter((span) => span.name.split(" ")[0] === name);
      expect([name, found.length]).toEqual([name, 1]);
      return found[0] as CollectedSpan;
    };
    const root = one("request");
    expect(root).toMatchObject({
      service: "sibyl-node",
      instance: "operator-1",
      parentSpanId: "",
      status: 0,
    });
    expect(root.attributes).toMatchObject({
      "sibyl.request.id": posted.requestId,
      "sibyl.model.id": network.model.modelId,
      "sibyl.request.state": "settled",
    });

    // On the node: each stage below the request, one after another.
    const stages = ["draw", "admission", "run", "commit", "reveal", "attest", "settle"].map(one);
    for (const stage of stages) expect([stage.name, stage.parentSpanId]).toEqual([stage.name, root.spanId]);
    for (const [index, stage] of stages.entries()) {
      expect(stage.endMs).toBeGreaterThanOrEqual(stage.startMs);
      if (index > 0) expect(stage.startMs).toBe(stages[index - 1]?.endMs);
    }
    expect(stages[0]?.startMs).toBe(root.startMs);
    expect(one("callback").attributes).toMatchObject({
      "sibyl.settlement.transaction": transaction,
      "sibyl.callback.failed": false,
    });
    expect(one("transaction").attributes).toMatchObject({ "sibyl.transaction.hash": transaction });

    // Through the queue to the worker, and back: each the child of the one before.
    const [run, add, worked] = [one("run"), one("add"), one("process")];
    expect([add.service, add.parentSpanId]).toEqual(["sibyl-node", run.spanId]);
    expect([worked.service, worked.parentSpanId]).toEqual(["sibyl-worker", add.spanId]);
    const [model, inference] = [one("model"), one("inference")];
    expect([model.parentSpanId, inference.parentSpanId]).toEqual([worked.spanId, worked.spanId]);
    expect(inference.attributes).toMatchObject({ "sibyl.inference.batch_size": 1 });
    expect(inference.startMs).toBeGreaterThanOrEqual(add.startMs);
    expect(inference.endMs).toBeLessThanOrEqual(run.endMs);

    // Nothing else was sent: no spans of the queue's own business, and nothing that is no trace.
    const known = new Set([waited, posted].map(({ requestId }) => requestId.slice(2, 34)));
    expect(collector.spans.filter((span) => !known.has(span.traceId)).map(({ name }) => name)).toEqual([]);
    expect(collector.refused).toEqual([]);

    // A job's span does not carry its output.
    const longest = spans.flatMap(({ attributes }) =>
      Object.values(attributes).map((value) => String(value).length),
    );
    expect(Math.max(...longest)).toBeLessThanOrEqual(512);

    // The log of either says the request's id at each step.
    const lines = (file: string) =>
      readFileSync(file, "utf8")
        .split("\n")
        .filter((line) => line.includes(`"requestId":"${posted.requestId}"`))
        .map((line) => JSON.parse(line) as { msg: string; slot?: string })
        .map(({ msg, slot }) => (slot === undefined ? msg : `${msg} ${slot}`));
    expect(lines(join(network.operators[0]?.folder ?? "", "log.jsonl"))).toEqual(
      expect.arrayContaining([
        "request drawn",
        "job queued",
        "output computed",
        "said commit",
        "said reveal",
        "said attestation/0",
        "settlement planned",
        "transaction signed",
        "request settled",
      ]),
    );
    expect(lines(worker.logFile)).toEqual(["job done"]);
    expect(await worker.stop()).toBe(0);
  },
  120_000,
);
