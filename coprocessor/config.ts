import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import type { Address, Hex } from "viem";
import { z } from "zod";
import { type AttesterSource, attesterFrom } from "./config/attester.ts";
import { type OperationsConfig, operationsEnvironment, operationsFrom } from "./config/operations.ts";
import {
  address,
  faultsOf,
  type HostAndPort,
  hostAndPort,
  invalid,
  list,
  milliseconds,
  path,
  urlOf,
  urlsOf,
  withoutEmpty,
} from "./config/variables.ts";
import type { AgreementTiming } from "./core/agreement.ts";
import type { ProviderChoice } from "./core/providerChoice.ts";
import { PROVIDERS, type Provider } from "./core/runtime.ts";
import type { LogLevel } from "./observe/port.ts";

/** Everything that an operator decides, read once at start. */
export interface Config {
  rpcUrls: string[];
  /** How many of them must say the same about logs and blocks. */
  rpcQuorum: number;
  oracle: Address;
  /** Block of the oracle's deployment; nothing before it is read. */
  startBlock: bigint;
  /** Blocks on top of one until it counts as final; null asks the chain for its finalized block. */
  confirmations: number | null;
  attester: AttesterSource;
  /** Where everything of this operator lives on disk. */
  dataDir: string;
  /** Null is the queue inside the process, on embedded Postgres. */
  queueUrl: string | null;
  /** Where a fresh embedded database is kept to be copied; null makes each one anew (4 s of CPU). */
  databaseTemplate: string | null;
  /** Null is embedded Postgres. */
  databaseUrl: `postgres://${string}` | `postgresql://${string}` | null;
  p2p: HostAndPort & { announce: string[]; bootstrap: string[] };
  status: HostAndPort;
  /** Folders with one model each in their subfolders. */
  modelFolders: string[];
  /** Whether manifest URIs, which anybody can put on chain, may lead to loopback and private addresses. */
  modelPrivateHosts: boolean;
  /** Where models are fetched from beside the places that publishers name. */
  modelPlaces: { mirrors: string[]; ipfsGateways: string[]; hub: string };
  /** Bytes that fetched models may take on disk; null is no limit. */
  modelCacheBytes: number | null;
  inferenceThreads: number;
  /** Bytes that all loaded models may take together; null is half of the machine's memory. */
  inferenceMemoryBytes: number | null;
  providers: ProviderChoice;
  /** Ids of models that are loaded at the start, before their first job. */
  warmModels: Hex[];
  logLevel: LogLevel;
  timing: AgreementTiming;
  /** Milliseconds between repeats of what we said about an open request. */
  repeatMs: number;
  operations: OperationsConfig;
}

const providerOfModel = list.transform((items, context) => {
  const entries = items.map((item) => item.split("=").map((part) => part.trim()));
  const wrong = entries.findIndex(
    ([model, provider, ...rest]) =>
      !model || rest.length > 0 || !(PROVIDERS as readonly (string | undefined)[]).includes(provider),
  );
  if (wrong === -1) return Object.fromEntries(entries) as Record<string, Provider>;
  context.addIssue({
    code: "custom",
    message: `must be model=provider with one of ${PROVIDERS.join(", ")}, not ${items[wrong]}`,
  });
  return z.NEVER;
});

/** Names are the environment's; `docs` lists them from here. */
const environment = z.object({
  RPC_URL: urlsOf(["http:", "https:", "ws:", "wss:"]).refine((items) => items.length > 0, {
    message: "must name at least one endpoint",
  }),
  RPC_QUORUM: z.coerce.number().int().min(1).max(16).default(1),
  ORACLE_ADDRESS: address,
  START_BLOCK: z.coerce.bigint().min(0n).default(0n),
  CONFIRMATIONS: z.coerce.number().int().min(0).max(10_000).optional(),
  DATA_DIR: z
    .string()
    .default(".sibyl")
    .transform((text) => resolve(text)),
  QUEUE_URL: urlOf(["redis:", "rediss:"]).optional(),
  DATABASE_URL: urlOf(["postgres:", "postgresql:"])
    .transform((text) => text as `postgres://${string}`)
    .optional(),
  DATABASE_TEMPLATE: path.optional(),
  P2P_LISTEN: hostAndPort.prefault("0.0.0.0:4001"),
  P2P_ANNOUNCE: list.default([]),
  P2P_BOOTSTRAP: list.default([]),
  STATUS_LISTEN: hostAndPort.prefault("127.0.0.1:4002"),
  MODEL_FOLDERS: list.prefault("models").transform((paths) => paths.map((path) => resolve(path))),
  MODEL_PRIVATE_HOSTS: z
    .enum(["refuse", "allow"])
    .default("refuse")
    .transform((choice) => choice === "allow"),
  MODEL_MIRRORS: urlsOf(["http:", "https:"]).prefault(""),
  IPFS_GATEWAYS: urlsOf(["http:", "https:"]).prefault(""),
  MODEL_HUB: urlOf(["http:", "https:"]).default("https://huggingface.co"),
  MODEL_CACHE_MIB: z.coerce.number().int().min(1).optional(),
  INFERENCE_THREADS: z.coerce
    .number()
    .int()
    .min(1)
    .max(256)
    .default(Math.max(1, availableParallelism() - 1)),
  INFERENCE_MEMORY_MIB: z.coerce.number().int().min(64).optional(),
  INFERENCE_PROVIDER: z.enum(PROVIDERS).default("cpu"),
  MODEL_PROVIDERS: providerOfModel.prefault(""),
  WARM_MODELS: list
    .refine((items) => items.every((item) => /^0x[0-9a-f]{64}$/.test(item)), {
      message: "must be model ids: 0x and 64 lower-case hex digits",
    })
    .transform((items) => items as Hex[])
    .prefault(""),
  LOG_LEVEL: z.enum(["debug", "info", "warn", "error", "silent"]).default("info"),
  COMMIT_GRACE_MS: milliseconds(400),
  REVEAL_GRACE_MS: milliseconds(400),
  VIEW_TIMEOUT_MS: milliseconds(3_000).pipe(z.number().min(100)),
  SETTLE_DELAY_MS: milliseconds(4_000),
  STANDBY_DELAY_MS: milliseconds(3_000),
  REPEAT_MS: milliseconds(1_000).pipe(z.number().min(100)),
  ...operationsEnvironment.shape,
});

/**
 * Reads the configuration from environment variables.
 *
 * @throws CoprocessorError `config/invalid` that names every variable at fault and never shows a key.
 */
export function readConfig(variables: Record<string, string | undefined>): Config {
  const given = withoutEmpty(variables);
  const parsed = environment.safeParse(given);
  const attester = attesterFrom(given);
  if (!parsed.success || "faults" in attester) {
    throw invalid([
      ...(parsed.success ? [] : faultsOf(parsed.error, given)),
      ...("faults" in attester ? attester.faults : []),
    ]);
  }
  const env = parsed.data;
  if (env.RPC_QUORUM > env.RPC_URL.length)
    throw invalid([`RPC_QUORUM is ${env.RPC_QUORUM}, and RPC_URL names ${env.RPC_URL.length}`]);
  return {
    rpcUrls: env.RPC_URL,
    rpcQuorum: env.RPC_QUORUM,
    oracle: env.ORACLE_ADDRESS,
    startBlock: env.START_BLOCK,
    confirmations: env.CONFIRMATIONS ?? null,
    attester: attester.source,
    dataDir: env.DATA_DIR,
    queueUrl: env.QUEUE_URL ?? null,
    databaseTemplate: env.DATABASE_TEMPLATE ?? null,
    databaseUrl: env.DATABASE_URL ?? null,
    p2p: { ...env.P2P_LISTEN, announce: env.P2P_ANNOUNCE, bootstrap: env.P2P_BOOTSTRAP },
    status: env.STATUS_LISTEN,
    modelFolders: env.MODEL_FOLDERS,
    modelPrivateHosts: env.MODEL_PRIVATE_HOSTS,
    modelPlaces: { mirrors: env.MODEL_MIRRORS, ipfsGateways: env.IPFS_GATEWAYS, hub: env.MODEL_HUB },
    modelCacheBytes: env.MODEL_CACHE_MIB === undefined ? null : env.MODEL_CACHE_MIB * 2 ** 20,
    inferenceThreads: env.INFERENCE_THREADS,
    inferenceMemoryBytes: env.INFERENCE_MEMORY_MIB === undefined ? null : env.INFERENCE_MEMORY_MIB * 2 ** 20,
    warmModels: env.WARM_MODELS,
    providers: { provider: env.INFERENCE_PROVIDER, ofModel: env.MODEL_PROVIDERS },
    logLevel: env.LOG_LEVEL,
    timing: {
      commitGraceMs: env.COMMIT_GRACE_MS,
      revealGraceMs: env.REVEAL_GRACE_MS,
      viewTimeoutMs: env.VIEW_TIMEOUT_MS,
      settleDelayMs: env.SETTLE_DELAY_MS,
      standbyDelayMs: env.STANDBY_DELAY_MS,
    },
    repeatMs: env.REPEAT_MS,
    operations: operationsFrom(env),
  };
}
