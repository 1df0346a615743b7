import { expect, test } from "vitest";
import { type OracleStanding, oraclesRoutes } from "../../../coprocessor/observe/oraclesStatus.ts";
import type { StatusSource } from "../../../coprocessor/observe/statusServer.ts";

const source = (label: string, faults: string[] = [], reasons: string[] = []): StatusSource =>
  ({
    health: () => ({ ok: faults.length === 0, faults, eventLoopDelayMs: 0, loopsMs: {} }),
    readiness: () => ({ ready: reasons.length === 0, reasons }),
    node: async () => ({ label }),
    requests: async (limit: number) => [{ label, limit }],
  }) as unknown as StatusSource;

const running = (...of: Parameters<typeof source>): OracleStanding => ({
  state: "running",
  source: source(...of),
});

async function ask(standings: Record<string, OracleStanding>, path: string) {
  const response = await oraclesRoutes(new Map(Object.entries(standings))).request(path);
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
  expect((await ask(standings, "/healthz")).code).toBe(200);
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
