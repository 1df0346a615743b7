import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { type Address, getAddress, type Hex, isAddress } from "viem";
import { z } from "zod";
import type { AgreementTiming } from "./core/agreement.ts";
import { CoprocessorError } from "./core/errors.ts";
import type { ProviderChoice } from "./core/providerChoice.ts";
import { OPTIMISATIONS, PROVIDERS, type Provider, type RuntimeFingerprint } from "./core/runtime.ts";
import type { LogLevel } from "./observe/port.ts";

export interface HostAndPort {
  host: string;
  /** 0 lets the system choose a free one. */
  port: number;
}

/** Where the attester's key is. */
export type AttesterSource =
  | { kind: "key"; key: Hex }
  | { kind: "keystore"; path: string; password: { file: string } | { text: string } }
  | { kind: "signer"; url: string; address: Address };

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
  /** Models that run at once, each in a process of its own. */
  inferenceThreads: number;
  /** Threads inside one operation of a graph, on the native runtime. */
  intraOpThreads: number;
  /** How far the native runtime rewrites a graph before it runs it. */
  optimisation: RuntimeFingerprint["optimisation"];
  /** Bytes that all loaded models may take together; null is half of the machine's memory. */
  inferenceMemoryBytes: number | null;
  providers: ProviderChoice;
  /** Ids of models that are loaded at the start, before their first job. */
  warmModels: Hex[];
  logLevel: LogLevel;
  timing: AgreementTiming;
  /** Milliseconds between repeats of what we said about an open request. */
  repeatMs: number;
}

const list = z
  .string()
  .transform((text) => text.split(",").map((item) => item.trim()))
  .transform((items) => items.filter((item) => item !== ""));

const urlsOf = (protocols: readonly string[]) =>
  list.refine((items) => items.every((item) => isUrl(item, protocols)), {
    message: `must be URLs that start with ${protocols.map((protocol) => `${protocol}//`).join(" or ")}`,
  });

const urlOf = (protocols: readonly string[]) =>
  z.string().refine((text) => isUrl(text, protocols), {
    message: `must be a URL that starts with ${protocols.map((protocol) => `${protocol}//`).join(" or ")}`,
  });

const hostAndPort = z.string().transform((text, context): HostAndPort => {
  const match = /^(?<host>.+):(?<port>\d{1,5})$/.exec(text);
  const port = Number(match?.groups?.port);
  if (match?.groups?.host === undefined || port > 65_535) {
    context.addIssue({
      code: "custom",
      message: `must be host:port, for example 127.0.0.1:4001, not ${text}`,
    });
    return z.NEVER;
  }
  return { host: match.groups.host, port };
});

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

const milliseconds = (fallback: number) => z.coerce.number().int().min(0).max(3_600_000).default(fallback);

const address = z
  .string()
  .refine((text) => isAddress(text, { strict: false }), { message: "must be 0x and 40 hex digits" })
  .transform((text) => getAddress(text));

const path = z.string().transform((text) => resolve(text));

/** The attester's part of the environment, which `sibyl register` needs alone. */
const attesterEnvironment = z.object({
  ATTESTER_KEY: z
    .string()
    .regex(/^0x[0-9a-fA-F]{64}$/, { message: "must be a private key: 0x and 64 hex digits" })
    .transform((text) => text as Hex)
    .optional(),
  ATTESTER_KEYSTORE: path.optional(),
  ATTESTER_PASSWORD_FILE: path.optional(),
  ATTESTER_PASSWORD: z.string().optional(),
  ATTESTER_SIGNER_URL: urlOf(["http:", "https:"]).optional(),
  ATTESTER_ADDRESS: address.optional(),
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
  INFERENCE_INTRA_THREADS: z.coerce.number().int().min(1).max(256).default(1),
  INFERENCE_OPTIMISATION: z.enum(OPTIMISATIONS).default("all"),
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
  REPLACE_AFTER_MS: milliseconds(3_000),
  REPEAT_MS: milliseconds(1_000).pipe(z.number().min(100)),
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
    intraOpThreads: env.INFERENCE_INTRA_THREADS,
    optimisation: env.INFERENCE_OPTIMISATION,
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
      replaceAfterMs: env.REPLACE_AFTER_MS,
    },
    repeatMs: env.REPEAT_MS,
  };
}

/**
 * Reads where the attester's key is, from environment variables.
 *
 * @throws CoprocessorError `config/invalid`, as `readConfig` does.
 */
export function readAttesterSource(variables: Record<string, string | undefined>): AttesterSource {
  const attester = attesterFrom(withoutEmpty(variables));
  if ("faults" in attester) throw invalid(attester.faults);
  return attester.source;
}

/** Exactly one of the three places that a key can be in. */
function attesterFrom(
  given: Record<string, string | undefined>,
): { source: AttesterSource } | { faults: string[] } {
  const parsed = attesterEnvironment.safeParse(given);
  if (!parsed.success) return { faults: faultsOf(parsed.error, given) };
  const env = parsed.data;
  const places = (["ATTESTER_KEY", "ATTESTER_KEYSTORE", "ATTESTER_SIGNER_URL"] as const).filter(
    (name) => env[name] !== undefined,
  );
  if (places.length === 0)
    return { faults: ["ATTESTER_KEY is not set, and neither is ATTESTER_KEYSTORE or ATTESTER_SIGNER_URL"] };
  if (places.length > 1)
    return { faults: [`${places.join(" and ")} are set; one of them is the attester's key`] };
  if (env.ATTESTER_KEY !== undefined) return { source: { kind: "key", key: env.ATTESTER_KEY } };
  if (env.ATTESTER_KEYSTORE !== undefined) {
    const { ATTESTER_PASSWORD_FILE: file, ATTESTER_PASSWORD: text } = env;
    if ((file === undefined) === (text === undefined))
      return {
        faults: ["ATTESTER_KEYSTORE needs ATTESTER_PASSWORD_FILE or ATTESTER_PASSWORD, and not both"],
      };
    const password = file === undefined ? { text: text as string } : { file };
    return { source: { kind: "keystore", path: env.ATTESTER_KEYSTORE, password } };
  }
  if (env.ATTESTER_ADDRESS === undefined)
    return { faults: ["ATTESTER_SIGNER_URL needs ATTESTER_ADDRESS, which says whose key it is"] };
  return {
    source: { kind: "signer", url: env.ATTESTER_SIGNER_URL as string, address: env.ATTESTER_ADDRESS },
  };
}

/** An empty variable is one that is not set: compose files and unit files cannot leave one out. */
function withoutEmpty(variables: Record<string, string | undefined>): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== ""));
}

function faultsOf(error: z.ZodError, given: Record<string, string | undefined>): string[] {
  return error.issues.map((issue) => {
    const name = String(issue.path[0]);
    return given[name] === undefined ? `${name} is not set` : `${name} ${issue.message}`;
  });
}

function invalid(all: string[]): CoprocessorError {
  const faults = [...new Set(all)];
  return new CoprocessorError(`configuration: ${faults.join("; ")}`, {
    code: "config/invalid",
    retry: "never",
    meta: { faults },
  });
}

function isUrl(text: string, protocols: readonly string[]): boolean {
  return URL.canParse(text) && protocols.includes(new URL(text).protocol);
}
