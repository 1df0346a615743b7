import { afterEach, beforeEach, expect, test } from "vitest";
import { createOtelTracing } from "../../../coprocessor/observe/otelTracing.ts";
import type { Tracing } from "../../../coprocessor/observe/port.ts";
import { Teardown } from "../../../scripts/network/teardown.ts";
import { type Collector, startCollector } from "../../telemetry/collector.ts";
import { collectedLog } from "../collectedLog.ts";
import { hash } from "../store/fixtures.ts";

let teardown: Teardown;
let collector: Collector;
let tracing: Tracing;

const open = (patch: { endpoint?: string; sampleRatio?: number } = {}) => {
  const options = {
    endpoint: collector.url,
    headers: {},
    sampleRatio: 1,
    serviceName: "test",
    actor: "operator-7",
  };
  return createOtelTracing({ ...options, ...patch, log: collectedLog() });
};
const told = { within: null, from: 1_000, to: 2_500, attributes: {}, fault: null };

beforeEach(async () => {
  teardown = new Teardown();
  collector = await startCollector(teardown);
});
afterEach(async () => {
  await tracing.close();
  await teardown.run();
});

test("a span's place follows from its request: a parent may be told after its child, by another process", async () => {
  const requestId = hash("a");
  tracing = open();
  tracing.tell({ ...told, requestId, name: "run", within: "request" });
  await tracing.close();
  tracing = open();
  tracing.tell({ ...told, requestId, name: "request" });
  await tracing.close();
  const [child, parent] = collector.spans;
  expect(collector.spans.map(({ name, traceId }) => [name, traceId])).toEqual([
    ["run", requestId.slice(2, 34)],
    ["request", requestId.slice(2, 34)],
  ]);
  expect(child?.parentSpanId).toBe(parent?.spanId);
  expect(parent).toMatchObject({
    parentSpanId: "",
    startMs: 1_000,
    endMs: 2_500,
    service: "test",
    instance: "operator-7",
  });
});

test("two actors of one process: each has spans of its own, sent by the one, which alone can be closed", async () => {
  const requestId = hash("a");
  tracing = open();
  const other = tracing.as("operator-9");
  tracing.tell({ ...told, requestId, name: "request" });
  other.tell({ ...told, requestId, name: "run", within: "request" });
  await other.close();
  other.tell({ ...told, requestId, name: "request" });
  await tracing.close();
  const [first, child, second] = collector.spans;
  expect(collector.spans).toHaveLength(3);
  expect(first?.spanId).not.toBe(second?.spanId);
  expect(child?.parentSpanId).toBe(second?.spanId);
});

test("work inside a request's span has spans of its own; work that belongs to none has none", async () => {
  const requestId = hash("a");
  tracing = open();
  expect(await tracing.span("alone", {}, async () => 1)).toBe(1);
  const failing = tracing.within(requestId, "run", () =>
    tracing.span("outer", { "sibyl.n": 1 }, async (note) => {
      note({ "sibyl.later": "yes" });
      await tracing.span("inner", {}, async () => {});
      throw new Error("broken");
    }),
  );
  await expect(failing).rejects.toThrow("broken");
  await tracing.close();
  const [inner, outer] = collector.spans;
  expect(collector.spans.map(({ name }) => name)).toEqual(["inner", "outer"]);
  expect(inner?.parentSpanId).toBe(outer?.spanId);
  expect(outer).toMatchObject({ traceId: requestId.slice(2, 34), status: 2 });
  expect(outer?.attributes).toEqual({ "sibyl.n": 1, "sibyl.later": "yes" });
});

test("a share of the requests is traced, and of each of those everything", async () => {
  tracing = open({ sampleRatio: 0.5 });
  for (let index = 0; index < 200; index++)
    for (const name of ["run", "request"]) tracing.tell({ ...told, requestId: hash(`${index}`), name });
  await tracing.close();
  const counts = new Map<string, number>();
  for (const { traceId } of collector.spans) counts.set(traceId, (counts.get(traceId) ?? 0) + 1);
  expect(new Set(counts.values())).toEqual(new Set([2]));
  expect(counts.size).toBeGreaterThan(60);
  expect(counts.size).toBeLessThan(140);
});

test("a collector that is away is waited for at most 2 s, and disturbs nobody", async () => {
  tracing = open({ endpoint: "http://127.0.0.1:9" });
  tracing.tell({ ...told, requestId: hash("a"), name: "request" });
  const startMs = performance.now();
  await tracing.close();
  expect(performance.now() - startMs).toBeLessThan(4_000);
});
