import { describe, expect, it } from "vitest";
import { readWorkerConfig } from "../../coprocessor/config/workerConfig.ts";
import { readConfig } from "../../coprocessor/config.ts";

const ORACLE = "0x5FbDB2315678afecb367f032d93F642f64180aa3";
/** anvil's public key 1. */
const KEY = "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d";
const REQUIRED = { RPC_URL: "http://127.0.0.1:8545", ORACLE_ADDRESS: ORACLE, ATTESTER_KEY: KEY };

const faultsOf = (variables: Record<string, string>): string => {
  try {
    readConfig(variables);
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("the configuration was accepted");
};

describe("readConfig", () => {
  it("read: what to watch, each role's own default where it is not said", () => {
    expect(readConfig(REQUIRED).watch).toEqual({
      share: null,
      models: null,
      maxRunning: 4,
      marginMs: 30_000,
    });
    const id = `0x${"ab".repeat(32)}`;
    const variables = {
      WATCH_SHARE: "0.25",
      WATCH_MODELS: id,
      WATCH_RUNS: "2",
      WATCH_MARGIN_MS: "5000",
    };
    expect(readConfig({ ...REQUIRED, ...variables }).watch).toEqual({
      share: 0.25,
      models: [id],
      maxRunning: 2,
      marginMs: 5_000,
    });
    for (const [name, value] of Object.entries({
      WATCH_SHARE: "1.5",
      WATCH_MODELS: "iris",
      WATCH_RUNS: "0",
    })) {
      expect(() => readConfig({ ...REQUIRED, [name]: value })).toThrow(name);
    }
  });

  it("accepted: three variables are enough, everything else is embedded", () => {
    const config = readConfig(REQUIRED);
    expect(config).toMatchObject({ oracle: ORACLE, queueUrl: null, databaseUrl: null, startBlock: 0n });
    expect(config.rpcUrls).toEqual(["http://127.0.0.1:8545"]);
  });

  it("accepted: an address in lower case, several endpoints, and empty variables as unset", () => {
    const config = readConfig({
      ...REQUIRED,
      ORACLE_ADDRESS: ORACLE.toLowerCase(),
      RPC_URL: "http://127.0.0.1:8545, wss://example.org",
      QUEUE_URL: "",
    });
    expect(config.oracle).toBe(ORACLE);
    expect(config.rpcUrls).toHaveLength(2);
    expect(config.queueUrl).toBeNull();
  });

  it("providers: one for the machine, and exceptions by name or id", () => {
    expect(readConfig(REQUIRED).providers).toEqual({ provider: "cpu", ofModel: {} });
    const variables = { INFERENCE_PROVIDER: "cuda", MODEL_PROVIDERS: "spam-text=cpu, 0xab=wasm" };
    expect(readConfig({ ...REQUIRED, ...variables }).providers).toEqual({
      provider: "cuda",
      ofModel: { "spam-text": "cpu", "0xab": "wasm" },
    });
    expect(faultsOf({ ...REQUIRED, MODEL_PROVIDERS: "spam-text=abacus" })).toMatch(
      /MODEL_PROVIDERS must be model=provider with one of cpu, .*, not spam-text=abacus/,
    );
    expect(faultsOf({ ...REQUIRED, INFERENCE_PROVIDER: "abacus" })).toMatch(/INFERENCE_PROVIDER/);
  });

  it("court: reports that pay and a tenth of doubts, unless it is said otherwise; amounts are whole coins", () => {
    const wei = 10n ** 16n;
    expect(readConfig(REQUIRED).court).toEqual({
      report: "pays",
      reportStopLossWei: wei,
      demandShare: 0.1,
      demandStopLossWei: wei,
    });
    const variables = {
      REPORT_EQUIVOCATION: "always",
      REPORT_STOP_LOSS: "1.5",
      DEMAND_SHARE: "0",
      DEMAND_STOP_LOSS: "0",
    };
    expect(readConfig({ ...REQUIRED, ...variables }).court).toEqual({
      report: "always",
      reportStopLossWei: 150n * wei,
      demandShare: 0,
      demandStopLossWei: 0n,
    });
    expect(faultsOf({ ...REQUIRED, REPORT_EQUIVOCATION: "maybe" })).toMatch(/REPORT_EQUIVOCATION/);
    expect(faultsOf({ ...REQUIRED, DEMAND_SHARE: "1.1" })).toMatch(/DEMAND_SHARE/);
    expect(faultsOf({ ...REQUIRED, DEMAND_STOP_LOSS: "-1" })).toMatch(/DEMAND_STOP_LOSS must be an amount/);
  });

  it("runtime: threads inside an operation and the optimisation level, pinned by default", () => {
    expect(readConfig(REQUIRED)).toMatchObject({ intraOpThreads: 1, optimisation: "all" });
    const variables = {
      INFERENCE_INTRA_THREADS: "2",
      INFERENCE_OPTIMISATION: "basic",
      REPLACE_AFTER_MS: "500",
    };
    const config = readConfig({ ...REQUIRED, ...variables });
    expect(config).toMatchObject({ intraOpThreads: 2, optimisation: "basic" });
    expect(config.timing.replaceAfterMs).toBe(500);
    expect(faultsOf({ ...REQUIRED, INFERENCE_INTRA_THREADS: "0" })).toMatch(/INFERENCE_INTRA_THREADS/);
    expect(faultsOf({ ...REQUIRED, INFERENCE_OPTIMISATION: "most" })).toMatch(/INFERENCE_OPTIMISATION/);
  });

  it("models: places to fetch from, a cache limit and ids to load ahead", () => {
    const id = `0x${"ab".repeat(32)}`;
    const variables = {
      MODEL_MIRRORS: "https://a.example/m, http://10.0.0.1",
      IPFS_GATEWAYS: "https://gateway.example",
      MODEL_CACHE_MIB: "2",
      WARM_MODELS: id,
    };
    expect(readConfig({ ...REQUIRED, ...variables })).toMatchObject({
      modelPlaces: {
        mirrors: ["https://a.example/m", "http://10.0.0.1"],
        ipfsGateways: ["https://gateway.example"],
        hub: "https://huggingface.co",
      },
      modelCacheBytes: 2 * 2 ** 20,
      warmModels: [id],
    });
    expect(readConfig(REQUIRED)).toMatchObject({ modelCacheBytes: null, warmModels: [] });
    expect(faultsOf({ ...REQUIRED, WARM_MODELS: "iris" })).toMatch(/WARM_MODELS must be model ids/);
    expect(faultsOf({ ...REQUIRED, MODEL_MIRRORS: "ftp://a" })).toMatch(/MODEL_MIRRORS must be URLs/);
  });

  it("refused: all that is missing is named at once", () => {
    expect(faultsOf({})).toBe(
      "configuration: RPC_URL is not set; ORACLE_ADDRESS is not set; " +
        "ATTESTER_KEY is not set, and neither is ATTESTER_KEYSTORE or ATTESTER_SIGNER_URL",
    );
  });

  it("refused: a listen address without a port", () => {
    expect(faultsOf({ ...REQUIRED, P2P_LISTEN: "127.0.0.1" })).toMatch(
      /P2P_LISTEN must be host:port, for example 127\.0\.0\.1:4001, not 127\.0\.0\.1/,
    );
    expect(faultsOf({ ...REQUIRED, STATUS_LISTEN: "127.0.0.1:70000" })).toMatch(
      /STATUS_LISTEN must be host:port/,
    );
  });

  it("refused: URLs of the wrong kind", () => {
    expect(faultsOf({ ...REQUIRED, RPC_URL: "ftp://example.org" })).toMatch(
      /RPC_URL must be URLs that start with http/,
    );
    expect(faultsOf({ ...REQUIRED, QUEUE_URL: "http://example.org" })).toMatch(/QUEUE_URL .* redis:/);
    expect(faultsOf({ ...REQUIRED, DATABASE_URL: "mysql://example.org" })).toMatch(
      /DATABASE_URL .* postgres:/,
    );
  });

  it("refused: a malformed key, without showing it", () => {
    const message = faultsOf({ ...REQUIRED, ATTESTER_KEY: KEY.slice(0, -1) });
    expect(message).toMatch(/ATTESTER_KEY must be a private key/);
    expect(message).not.toContain(KEY.slice(2, 20));
  });

  it("refused: more agreement than endpoints", () => {
    expect(faultsOf({ ...REQUIRED, RPC_QUORUM: "2" })).toMatch(/RPC_QUORUM is 2, and RPC_URL names 1/);
    const two = { ...REQUIRED, RPC_URL: "http://a,http://b", RPC_QUORUM: "2" };
    expect(readConfig(two).rpcQuorum).toBe(2);
  });

  const { ATTESTER_KEY: _, ...KEYLESS } = REQUIRED;

  it("accepted: the key in a keystore or at a remote signer", () => {
    expect(readConfig(REQUIRED).attester).toEqual({ kind: "key", key: KEY });
    expect(
      readConfig({ ...KEYLESS, ATTESTER_KEYSTORE: "/keys/a.json", ATTESTER_PASSWORD_FILE: "/keys/a.txt" })
        .attester,
    ).toEqual({ kind: "keystore", path: "/keys/a.json", password: { file: "/keys/a.txt" } });
    expect(
      readConfig({ ...KEYLESS, ATTESTER_KEYSTORE: "/keys/a.json", ATTESTER_PASSWORD: "pw" }).attester,
    ).toMatchObject({ password: { text: "pw" } });
    expect(
      readConfig({
        ...KEYLESS,
        ATTESTER_SIGNER_URL: "https://signer.example",
        ATTESTER_ADDRESS: ORACLE.toLowerCase(),
      }).attester,
    ).toEqual({ kind: "signer", url: "https://signer.example", address: ORACLE });
  });

  it.each<[string, Record<string, string>, RegExp]>([
    ["two places", { ATTESTER_KEY: KEY, ATTESTER_KEYSTORE: "a" }, /KEY and ATTESTER_KEYSTORE are set/],
    ["a keystore without a password", { ATTESTER_KEYSTORE: "a" }, /needs ATTESTER_PASSWORD_FILE/],
    [
      "two passwords",
      { ATTESTER_KEYSTORE: "a", ATTESTER_PASSWORD: "secret", ATTESTER_PASSWORD_FILE: "b" },
      /and not both/,
    ],
    ["a signer without an address", { ATTESTER_SIGNER_URL: "http://a" }, /needs ATTESTER_ADDRESS/],
    ["a signer of another kind", { ATTESTER_SIGNER_URL: "ftp://a", ATTESTER_ADDRESS: ORACLE }, /http:/],
  ])("refused: %s", (_name, variables, message) => {
    expect(faultsOf({ ...KEYLESS, ...variables })).toMatch(message);
    expect(faultsOf({ ...KEYLESS, ...variables })).not.toContain("secret");
  });
});

describe("a queue that others share", () => {
  const MODEL = `0x${"ab".repeat(32)}` as const;

  it.each([
    "redis://host",
    "rediss://user:password@host:6380/1",
    "redis+sentinel://a,b:26380/jobs",
    "rediss+cluster://a:1,b:2",
    "postgres://user:password@host/queue",
  ])("accepted: %s", (url) => {
    expect(readConfig({ ...REQUIRED, QUEUE_URL: url }).queueUrl).toBe(url);
  });

  it("refused: another scheme, without showing what may be a password", () => {
    const said = faultsOf({ ...REQUIRED, QUEUE_URL: "amqp://user:secret@host" });
    expect(said).toContain("QUEUE_URL must be a URL that starts with redis://");
    expect(said).not.toContain("secret");
  });

  it("accepted: queues of models, and a node without a worker", () => {
    const shared = { QUEUE_URL: "redis://host", WORKER: "none", MODEL_QUEUES: `${MODEL}=large` };
    expect(readConfig({ ...REQUIRED, ...shared })).toMatchObject({
      embeddedWorker: false,
      capabilities: { ofModel: { [MODEL]: "large" } },
    });
  });

  it("refused: a node without a worker whose queue nobody else can reach", () => {
    expect(faultsOf({ ...REQUIRED, WORKER: "none" })).toContain("WORKER is none");
  });

  it("accepted: a standby, on servers that both nodes reach; refused without", () => {
    const shared = { STANDBY: "1", QUEUE_URL: "redis://host", DATABASE_URL: "postgres://host/a" };
    expect(readConfig({ ...REQUIRED, ...shared }).standby).toBe(true);
    expect(readConfig(REQUIRED).standby).toBe(false);
    for (const missing of ["QUEUE_URL", "DATABASE_URL"])
      expect(faultsOf({ ...REQUIRED, ...shared, [missing]: "" })).toContain("STANDBY is 1, and two nodes");
  });

  it("accepted: a share of jobs to check", () => {
    expect(readConfig(REQUIRED).spotCheckShare).toBe(0);
    expect(readConfig({ ...REQUIRED, SPOT_CHECK_SHARE: "0.05" }).spotCheckShare).toBe(0.05);
    expect(faultsOf({ ...REQUIRED, SPOT_CHECK_SHARE: "2" })).toContain("SPOT_CHECK_SHARE");
  });

  it.each([
    ["MODEL_QUEUES", "spam-text=large", "with a model's id"],
    ["MODEL_QUEUES", `${MODEL}=a b`, "letters, digits and dashes"],
    ["QUEUE_SECRET", "short", "at least 32 characters"],
    ["QUEUE_NAMESPACE", "a:b", "letters, digits and dashes"],
  ])("refused: %s=%s", (name, value, fault) => {
    expect(faultsOf({ ...REQUIRED, [name]: value })).toContain(fault);
  });
});

describe("readWorkerConfig", () => {
  const WORKER = { QUEUE_URL: "redis://host", QUEUE_NAMESPACE: "1-7" };

  it("accepted: where the queue is, and whose; no key and no chain", () => {
    expect(readWorkerConfig(WORKER)).toMatchObject({
      queueUrl: "redis://host",
      queueNamespace: "1-7",
      queueSecret: null,
      queues: null,
    });
    expect(readWorkerConfig({ ...WORKER, WORKER_QUEUES: "inference:4, large:1" }).queues).toEqual({
      inference: 4,
      large: 1,
    });
  });

  it("refused: each missing variable is named", () => {
    expect(() => readWorkerConfig({})).toThrow(/QUEUE_URL is not set.*QUEUE_NAMESPACE is not set/);
  });

  it.each(["inference", "inference:0", "inference:2000", ":1", "a:1:2"])(
    "refused: WORKER_QUEUES=%s",
    (queues) => {
      expect(() => readWorkerConfig({ ...WORKER, WORKER_QUEUES: queues })).toThrow("queue:jobs-at-a-time");
    },
  );
});
