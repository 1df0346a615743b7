import { expect, test } from "vitest";
import { type OracleStanding, oraclesRoutes } from "../../../coprocessor/observe/oraclesStatus.ts";
import {
  createOracleRegistry,
  createRegistry,
  expositionOf,
} from "../../../coprocessor/observe/promExposition.ts";
import { createReadinessGauges } from "../../../coprocessor/observe/promReadiness.ts";
import type { StatusSource } from "../../../coprocessor/observe/statusServer.ts";
import { parseMetrics } from "../../telemetry/metricsText.ts";
import { hash } from "../store/fixtures.ts";

const source = (label: string, faults: string[] = [], reasons: string[] = []): StatusSource =>
  ({
    health: () => ({ ok: faults.length === 0, faults, eventLoopDelayMs: 0, loopsMs: {} }),
    readiness: () => ({ ready: reasons.length === 0, reasons }),
    node: async () => ({ label }),
    requests: async (limit: number) => [{ label, limit }],
    admits: (authorization?: string) => authorization === "Bearer token",
    drop: async (requestId: string) => ({ label, requestId }),
    metrics: metricsOf(label, reasons),
  }) as unknown as StatusSource;

function metricsOf(label: string, reasons: string[]) {
  const registry = createOracleRegistry(label);
  const show = createReadinessGauges(registry);
  return expositionOf(registry, async () => show(reasons));
}

const running = (...of: Parameters<typeof source>): OracleStanding => ({
  state: "running",
  source: source(...of),
});

const routes = (standings: Record<string, OracleStanding>) => {
  const registry = createRegistry({ version: "1", role: "operator" });
  return oraclesRoutes(
    new Map(Object.entries(standings)),
    expositionOf(registry, async () => {}),
  );
};

async function ask(standings: Record<string, OracleStanding>, path: string) {
  const response = await routes(standings).request(path);
  return { code: response.status, body: await response.json() };
}

test("all run: the node is well and ready, and each is asked under its name", async () => {
  const standings = { base: running("b"), "op-main": running("o") };
  expect(await ask(standings, "/healthz")).toMatchObject({ code: 200, body: { ok: true, faults: [] } });
  expect(await ask(standings, "/readyz")).toEqual({ code: 200, body: { ready: true, reasons: [] } });
  expect(await ask(standings, "/status")).toEqual({
    code: 200,
    body: {
      oracles: { base: { state: "running", label: "b" }, "op-main": { state: "running", label: "o" } },
    },
  });
  expect(await ask(standings, "/op-main/requests?limit=3")).toEqual({
    code: 200,
    body: [{ label: "o", limit: 3 }],
  });
  expect(await ask(standings, "/nobody/requests")).toEqual({
    code: 404,
    body: { error: "this node serves base, op-main" },
  });
});

test("what is wrong with one is said with its name", async () => {
  const standings = {
    base: running("b"),
    sick: running("s", ["loop/stuck: chain"], ["chain/not-caught-up: 3%"]),
  };
  expect(await ask(standings, "/healthz")).toMatchObject({
    code: 503,
    body: { ok: false, faults: ["sick: loop/stuck: chain"] },
  });
  expect(await ask(standings, "/readyz")).toEqual({
    code: 503,
    body: { ready: false, reasons: ["sick: chain/not-caught-up: 3%"] },
  });
  expect(await ask(standings, "/base/readyz")).toMatchObject({ code: 200 });
});

test("one that does not run keeps the node from being ready, and does not have it started anew", async () => {
  const standings: Record<string, OracleStanding> = {
    base: running("b"),
    lost: { state: "failed", reason: "chain/reorg-too-deep: block 7" },
    late: { state: "starting", reason: "rpc/unreachable: nobody answers" },
  };
  expect(await ask(standings, "/healthz")).toMatchObject({
    code: 200,
    body: {
      ok: true,
      oracles: { base: { ok: true }, lost: { state: "failed" }, late: { state: "starting" } },
    },
  });
  expect(await ask(standings, "/readyz")).toEqual({
    code: 503,
    body: {
      ready: false,
      reasons: [
        "lost: oracle/failed: chain/reorg-too-deep: block 7",
        "late: oracle/starting: rpc/unreachable: nobody answers",
      ],
    },
  });
  expect(await ask(standings, "/lost/status")).toEqual({ code: 503, body: { error: "lost is failed" } });
  expect((await ask(standings, "/status")).body).toMatchObject({
    oracles: { late: { state: "starting", reason: "rpc/unreachable: nobody answers" } },
  });
});

test("metrics: each oracle under its name, one that does not run as not ready with its reason", async () => {
  const standings: Record<string, OracleStanding> = {
    base: running("base"),
    lost: { state: "failed", reason: "chain/reorg-too-deep: block 7" },
  };
  const response = await routes(standings).request("/metrics");
  expect(response.headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
  const { samples } = parseMetrics(await response.text());
  expect(samples.filter(({ name }) => /^sibyl_(not_)?ready$/.test(name))).toEqual([
    { name: "sibyl_ready", labels: { oracle: "base" }, value: 1 },
    { name: "sibyl_ready", labels: { oracle: "lost" }, value: 0 },
    { name: "sibyl_not_ready", labels: { reason: "oracle/failed", oracle: "lost" }, value: 1 },
  ]);
  expect(samples.filter(({ name }) => name === "sibyl_info")).toHaveLength(1);
});

test("what changes something goes to the oracle that it names, with its token", async () => {
  const app = routes({ base: running("b"), other: running("o") });
  const path = `/other/queue/${hash("a")}/drop`;
  expect((await app.request(path, { method: "POST" })).status).toBe(401);
  const allowed = await app.request(path, { method: "POST", headers: { authorization: "Bearer token" } });
  expect([allowed.status, await allowed.json()]).toEqual([200, { label: "o", requestId: hash("a") }]);
});

test("one that cannot tell how it is does not keep the others from being told", async () => {
  const sick = source("s");
  sick.node = async () => {
    throw new Error("no answer");
  };
  expect(
    (await ask({ base: running("b"), sick: { state: "running", source: sick } }, "/status")).body,
  ).toEqual({
    oracles: { base: { state: "running", label: "b" }, sick: { state: "running", error: "no answer" } },
  });
});
