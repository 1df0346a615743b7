import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { reloadConfig } from "../../../coprocessor/compose/reload.ts";
import { readVariables } from "../../../coprocessor/config/configFile.ts";
import { type Config, nodeVariables, readConfig } from "../../../coprocessor/config.ts";
import { collectedLog } from "../collectedLog.ts";

const MODEL = `0x${"ab".repeat(32)}`;
const BASE = {
  RPC_URL: "http://127.0.0.1:8545",
  ORACLE_ADDRESS: "0x5FbDB2315678afecb367f032d93F642f64180aa3",
  ATTESTER_KEY: "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
};

let live: { current: Config };
let log: ReturnType<typeof collectedLog>;
let done: unknown[];
beforeEach(() => {
  live = { current: readConfig(BASE) };
  log = collectedLog();
  done = [];
});

const reload = (before: Record<string, string>, after: Record<string, string>) =>
  reloadConfig(
    {
      live,
      log,
      setLogLevel: (level) => done.push(level),
      warm: (modelIds) => done.push(...modelIds),
      redial: () => done.push("redial"),
    },
    before,
    after,
  );

describe("reloadConfig", () => {
  it("applied: log level, prices, models to load and peers, each where it counts", () => {
    const after = {
      ...BASE,
      LOG_LEVEL: "debug",
      MIN_FEES: "native=7",
      WARM_MODELS: MODEL,
      P2P_BOOTSTRAP: "/ip4/10.0.0.1/tcp/4001",
    };
    expect(reload(BASE, after)).toEqual(after);
    expect(done).toEqual(["debug", MODEL, "redial"]);
    expect(live.current.operations.prices.minFees.get("native")).toBe(7n);
    expect(live.current.p2p.bootstrap).toEqual(["/ip4/10.0.0.1/tcp/4001"]);
    expect(log.lines[0]?.fields).toEqual({
      applied: ["WARM_MODELS", "LOG_LEVEL", "P2P_BOOTSTRAP", "MIN_FEES"],
      needsRestart: [],
    });
    reload(after, after);
    expect(done).toHaveLength(3);
  });

  it("named: what takes a restart stays as it was, and is told again", () => {
    const after = { ...BASE, RPC_URL: "http://127.0.0.1:9", DATA_DIR: "/elsewhere" };
    const counts = reload(BASE, after);
    expect(live.current.rpcUrls).toEqual([BASE.RPC_URL]);
    expect(log.lines[0]?.fields).toMatchObject({ applied: [], needsRestart: ["DATA_DIR", "RPC_URL"] });
    reload(counts as Record<string, string>, after);
    expect(log.lines[1]?.fields).toMatchObject({ needsRestart: ["DATA_DIR", "RPC_URL"] });
  });

  it("refused: a faulty configuration changes nothing", () => {
    const before = live.current;
    expect(reload(BASE, { ...BASE, LOG_LEVEL: "debug", MIN_FEES: "much" })).toBe(BASE);
    expect(live.current).toBe(before);
    expect(done).toEqual([]);
    expect(log.lines[0]).toMatchObject({ level: "error" });
  });

  it("every variable that is read is known by its name", () => {
    expect(nodeVariables()).toEqual(expect.arrayContaining(["RPC_URL", "ATTESTER_KEY", "RETENTION_DAYS"]));
  });
});

describe("readVariables", () => {
  const folder = mkdtempSync(join(tmpdir(), "sibyl-config-"));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it("a file below the environment, whose empty variables count as unset", () => {
    const path = join(folder, "node.env");
    writeFileSync(path, '# prices\nMIN_FEES="native=1,1=2"\nLOG_LEVEL=warn\nDATA_DIR=/a\n');
    expect(readVariables(path, { LOG_LEVEL: "debug", DATA_DIR: "" })).toEqual({
      MIN_FEES: "native=1,1=2",
      LOG_LEVEL: "debug",
      DATA_DIR: "/a",
    });
    expect(() => readVariables(join(folder, "none"), {})).toThrow(/cannot be read: ENOENT/);
  });
});
