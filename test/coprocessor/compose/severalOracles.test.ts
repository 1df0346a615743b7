import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import type { Coprocessor } from "../../../coprocessor/compose/coprocessor.ts";
import { type StartOracle, startOracles } from "../../../coprocessor/compose/severalOracles.ts";
import { readOracles } from "../../../coprocessor/config/oraclesConfig.ts";
import { CoprocessorError } from "../../../coprocessor/core/errors.ts";
import type { StatusSource } from "../../../coprocessor/observe/statusServer.ts";
import { collectedLog } from "../collectedLog.ts";
import { TEMPLATE, temporaryFolder } from "../store/embedded.ts";
import { address } from "../store/fixtures.ts";
import { waitUntil } from "../waitUntil.ts";

const VARIABLES = {
  ORACLES: "a,b",
  A_ORACLE_ADDRESS: address("a"),
  B_ORACLE_ADDRESS: address("b"),
  RPC_URL: "http://127.0.0.1:1",
  ATTESTER_KEY: `0x${"11".repeat(32)}`,
  P2P_LISTEN: "127.0.0.1:0",
  STATUS_LISTEN: "127.0.0.1:0",
};

const unreachable = new CoprocessorError("nobody answers", { code: "rpc/unreachable", retry: "backoff" });
const tooDeep = new CoprocessorError("gone", { code: "chain/reorg-too-deep", retry: "never" });

const log = collectedLog();
let node: Coprocessor | null = null;
/** What was started and not closed again. */
let open: string[] = [];
let failures: Map<string, (error: unknown) => void>;
let reloads: [string, Record<string, string | undefined>][];

afterEach(async () => {
  await node?.stop();
  node = null;
});

/** A node that does nothing but to be there; the `nth` attempt of an oracle fails with what `fails` says. */
function fake(fails: (name: string, nth: number) => CoprocessorError | null = () => null): StartOracle {
  const attempts = new Map<string, number>();
  open = [];
  failures = new Map();
  reloads = [];
  return async (oracle, shared, closers) => {
    const name = oracle.name as string;
    const nth = (attempts.get(name) ?? 0) + 1;
    attempts.set(name, nth);
    open.push(name);
    closers.add(name, async () => void open.splice(open.indexOf(name), 1));
    const error = fails(name, nth);
    if (error !== null) throw error;
    const status = await shared.showStatus({
      health: () => ({ ok: true, faults: [], eventLoopDelayMs: 0, loopsMs: {} }),
      readiness: () => ({ ready: true, reasons: [] }),
      node: async () => ({ nth }),
    } as unknown as StatusSource);
    return {
      operatorId: 1,
      statusUrl: status.url,
      addresses: [],
      failed: new Promise<never>((_, reject) => failures.set(name, reject)),
      drainTimeoutMs: name === "a" ? 5 : 7,
      drain: async () => name === "a",
      reload: (variables) => void reloads.push([name, variables]),
      stop: async () => {},
    };
  };
}

const start = async (of: StartOracle, variables: Record<string, string> = VARIABLES) => {
  node = await startOracles(readOracles(variables), { role: "operator", log, retryMs: 20 }, of);
  return node;
};

async function ask(path: string) {
  const response = await fetch(`${node?.statusUrl}${path}`);
  return { code: response.status, body: (await response.json()) as Record<string, unknown> };
}

test("all oracles are started, told of a new configuration and closed; one that does not drain is said", async () => {
  const running = await start(fake());
  await waitUntil("both to run", async () => (await ask("/readyz")).code === 200);
  running.reload({ ...VARIABLES, LOG_LEVEL: "warn", B_MIN_FEES: "native=7" });
  expect(reloads.map(([name, { LOG_LEVEL, MIN_FEES }]) => [name, LOG_LEVEL, MIN_FEES])).toEqual([
    ["a", "warn", undefined],
    ["b", "warn", "native=7"],
  ]);
  expect(running.drainTimeoutMs).toBe(7);
  expect(await running.drain()).toBe(false);
  await running.stop();
  expect(open).toEqual([]);
});

test("an oracle that cannot be reached is started once it can be, and the other is served meanwhile", async () => {
  await start(fake((name, nth) => (name === "b" && nth < 4 ? unreachable : null)));
  expect(open).toContain("a");
  expect((await ask("/a/status")).body).toEqual({ nth: 1 });
  await waitUntil("b to be served", async () => (await ask("/readyz")).code === 200);
  expect((await ask("/b/status")).body).toEqual({ nth: 4 });
  expect(open.toSorted()).toEqual(["a", "b"]);
});

test("one oracle's chain that is waited for keeps nobody else from being served, told about, and stopped", async () => {
  let waits = true;
  let cameLate = false;
  const begin = fake((name) => (name === "c" ? tooDeep : null));
  const patient: StartOracle = async (oracle, shared, closers) => {
    if (oracle.name === "b") await waitUntil("the test to go on", () => !waits);
    const started = await begin(oracle, shared, closers);
    cameLate ||= oracle.name === "b";
    return started;
  };
  const running = await start(patient, {
    ...VARIABLES,
    ORACLES: "a,b,c",
    C_ORACLE_ADDRESS: address("c"),
  });
  await waitUntil("c to fail", async () => {
    const { reasons } = (await ask("/readyz")).body as { reasons: string[] };
    return reasons.length === 2 && reasons[1]?.startsWith("c: oracle/failed") === true;
  });
  expect((await ask("/a/readyz")).code).toBe(200);
  expect((await ask("/b/readyz")).body).toEqual({ error: "b is starting" });
  await running.stop();
  waits = false;
  await waitUntil("what came late to be closed", () => cameLate && open.length === 0);
});

test("what only a person can mend ends that oracle's start alone, and is said", async () => {
  await start(fake((name) => (name === "b" ? tooDeep : null)));
  await waitUntil("b to be closed", () => open.join() === "a");
  expect((await ask("/a/readyz")).code).toBe(200);
  expect((await ask("/readyz")).body).toEqual({
    ready: false,
    reasons: ["b: oracle/failed: chain/reorg-too-deep: gone"],
  });
  expect(log.lines).toContainEqual(
    expect.objectContaining({ level: "error", fields: { oracle: "b", err: tooDeep } }),
  );
});

test("one waits for its chain, the other cannot be mended: the start fails, and a supervisor tries again", async () => {
  const begin = fake((name) => (name === "b" ? tooDeep : unreachable));
  await expect(start(begin)).rejects.toBe(tooDeep);
  expect(open).toEqual([]);
});

test("no oracle can be reached: the start fails as one oracle's does", async () => {
  await expect(start(fake(() => unreachable))).rejects.toBe(unreachable);
  expect(open).toEqual([]);
});

test("an oracle that fails for good ends alone; the node ends with the last", async () => {
  const running = await start(fake());
  let ended: unknown = null;
  running.failed.catch((error: unknown) => {
    ended = error;
  });
  failures.get("a")?.(tooDeep);
  await waitUntil("a to be closed", () => open.join() === "b");
  expect(await ask("/readyz")).toEqual({
    code: 503,
    body: { ready: false, reasons: ["a: oracle/failed: chain/reorg-too-deep: gone"] },
  });
  expect((await ask("/healthz")).code).toBe(200);
  expect(ended).toBeNull();
  failures.get("b")?.(tooDeep);
  await waitUntil("the node to end", () => ended === tooDeep);
  expect(open).toEqual([]);
});

test("two names for one oracle of one chain are refused", async () => {
  const folder = temporaryFolder();
  const variables = {
    ...VARIABLES,
    B_ORACLE_ADDRESS: address("a"),
    DATA_DIR: join(folder.path, "data"),
    DATABASE_TEMPLATE: TEMPLATE,
  };
  const begin = fake();
  const claiming: StartOracle = async (oracle, shared, closers) => {
    const { oracle: place } = oracle.config;
    await shared.store({ chainId: 1, oracle: place, attester: address("attester"), fence: null });
    return begin(oracle, shared, closers);
  };
  await expect(start(claiming, variables)).rejects.toMatchObject({
    code: "config/invalid",
    message: expect.stringContaining("a and b are one oracle"),
  });
  expect(existsSync(join(variables.DATA_DIR, "database.lock"))).toBe(false);
  folder.remove();
}, 60_000);
