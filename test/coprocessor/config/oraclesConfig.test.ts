import { describe, expect, test } from "vitest";
import { readOracles } from "../../../coprocessor/config/oraclesConfig.ts";
import { readConfig } from "../../../coprocessor/config.ts";
import { CoprocessorError } from "../../../coprocessor/core/errors.ts";

const A = "0x00000000000000000000000000000000000000AA";
const B = "0x00000000000000000000000000000000000000bb";
const KEY = `0x${"11".repeat(32)}`;
const OTHER_KEY = `0x${"22".repeat(32)}`;
const TWO = {
  ORACLES: "base, op-main",
  ATTESTER_KEY: KEY,
  BASE_RPC_URL: "https://base.example",
  BASE_ORACLE_ADDRESS: A,
  BASE_P2P_LISTEN: "0.0.0.0:4001",
  OP_MAIN_RPC_URL: "https://a.example,https://b.example",
  OP_MAIN_RPC_QUORUM: "2",
  OP_MAIN_ORACLE_ADDRESS: B,
  OP_MAIN_CONFIRMATIONS: "20",
  OP_MAIN_P2P_LISTEN: "0.0.0.0:4011",
};

function faults(variables: Record<string, string>): string[] {
  try {
    readOracles(variables);
  } catch (error) {
    if (error instanceof CoprocessorError) return (error.meta as { faults: string[] }).faults;
    throw error;
  }
  throw new Error("it was taken");
}

describe("readOracles", () => {
  test("without ORACLES it is the configuration of one, as ever", () => {
    const one = { RPC_URL: "https://base.example", ORACLE_ADDRESS: A, ATTESTER_KEY: KEY };
    expect(readOracles(one)).toEqual([{ name: null, config: readConfig(one), variables: one }]);
    expect(readOracles({ ...one, ORACLES: "" })).toHaveLength(1);
  });

  test("each has its own variables, and shares those that it has none of", () => {
    const [base, op] = readOracles({ ...TWO, VIEW_TIMEOUT_MS: "5000", BASE_VIEW_TIMEOUT_MS: "2000" });
    expect(base?.name).toBe("base");
    expect(base?.config).toMatchObject({ oracle: A, rpcUrls: ["https://base.example"], confirmations: null });
    expect(base?.config.timing.viewTimeoutMs).toBe(2_000);
    expect(op?.name).toBe("op-main");
    expect(op?.config).toMatchObject({ rpcQuorum: 2, confirmations: 20, attester: { key: KEY } });
    expect(op?.config.rpcUrls).toHaveLength(2);
    expect(op?.config.timing.viewTimeoutMs).toBe(5_000);
  });

  test("an oracle's own key stands in the place of the common one, wherever that is", () => {
    const own = readOracles({ ...TWO, BASE_ATTESTER_KEY: OTHER_KEY });
    expect(own.map(({ config }) => config.attester)).toEqual([
      { kind: "key", key: OTHER_KEY },
      { kind: "key", key: KEY },
    ]);
    const { ATTESTER_KEY: _, ...keyless } = TWO;
    const signer = { ATTESTER_SIGNER_URL: "http://127.0.0.1:9000", ATTESTER_ADDRESS: A };
    const [first, second] = readOracles({ ...keyless, ...signer, BASE_ATTESTER_KEY: KEY });
    expect(first?.config.attester.kind).toBe("key");
    expect(second?.config.attester.kind).toBe("signer");
  });

  test("what is missing or wrong is named with its oracle", () => {
    const { BASE_RPC_URL: _, ...without } = TWO;
    expect(faults({ ...without, OP_MAIN_CONFIRMATIONS: "-1" })).toEqual([
      "base: RPC_URL is not set",
      expect.stringMatching(/^op-main: CONFIRMATIONS /),
    ]);
  });

  test("names that are none, or there twice", () => {
    expect(faults({ ...TWO, ORACLES: "Base" })[0]).toContain("not Base");
    expect(faults({ ...TWO, ORACLES: "base,base" })).toEqual(["ORACLES has a name twice"]);
  });

  test("what belongs to the process cannot differ", () => {
    expect(faults({ ...TWO, BASE_DATA_DIR: "here" })).toEqual([
      "BASE_DATA_DIR cannot be: DATA_DIR is the whole node's",
    ]);
  });

  test("two oracles cannot listen on one port, but each on a free one", () => {
    expect(faults({ ...TWO, OP_MAIN_P2P_LISTEN: "0.0.0.0:4001" })[0]).toContain("base and op-main");
    const free = { ...TWO, BASE_P2P_LISTEN: "127.0.0.1:0", OP_MAIN_P2P_LISTEN: "127.0.0.1:0" };
    expect(readOracles(free)).toHaveLength(2);
  });

  test("a pair of nodes serves one oracle: standing by for several is refused", () => {
    const pair = {
      ...{ STANDBY: "1", DATABASE_URL: "postgres://db/a", QUEUE_URL: "redis://q" },
      ...{ QUEUE_NAMESPACE: "mine", QUEUE_SECRET: "s".repeat(32) },
    };
    expect(faults({ ...TWO, ...pair })).toEqual([
      expect.stringMatching(/^STANDBY is 1, and a node that serves/),
    ]);
    expect(faults({ ...TWO, BASE_STANDBY: "1" })).toEqual([
      "BASE_STANDBY cannot be: STANDBY is the whole node's",
    ]);
  });

  test("networks may speak differently", () => {
    const transports = readOracles({ ...TWO, OP_MAIN_P2P_TRANSPORT: "http" }).map(
      ({ config }) => config.p2p.transport,
    );
    expect(transports).toEqual(["libp2p", "http"]);
  });

  test("a queue on a server needs a name, because workers look for it there", () => {
    const queue = { QUEUE_URL: "redis://127.0.0.1:6379" };
    expect(faults({ ...TWO, ...queue })[0]).toMatch(/^QUEUE_NAMESPACE is not set/);
    expect(readOracles({ ...TWO, ...queue, QUEUE_NAMESPACE: "mine" })).toHaveLength(2);
  });
});
