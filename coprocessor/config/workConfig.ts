import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import type { Hex } from "viem";
import { z } from "zod";
import type { ProviderChoice } from "../core/providerChoice.ts";
import { OPTIMISATIONS, PROVIDERS, type Provider, type RuntimeFingerprint } from "../core/runtime.ts";
import type { LogLevel } from "../observe/port.ts";
import { type TracingConfig, tracingConfigOf, tracingEnvironment } from "./tracingConfig.ts";
import { list, modelIds, urlOf, urlsOf } from "./values.ts";

/** What nodes and workers are told alike: where jobs come from, and how models run. */
export interface WorkConfig {
  /** Where everything of this process lives on disk. */
  dataDir: string;
  /** Null is the queue inside the process, on embedded Postgres. */
  queueUrl: string | null;
  /** Keeps operators that share a server apart; null is made of the chain and the operator's id. */
  queueNamespace: string | null;
  /** What node and workers share, so that neither believes anybody else who reaches the queue. */
  queueSecret: string | null;
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
  /** Null tells nobody. */
  tracing: TracingConfig | null;
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

/** Names are the environment's. */
export const workEnvironment = z.object({
  DATA_DIR: z
    .string()
    .default(".sibyl")
    .transform((text) => resolve(text)),
  QUEUE_URL: z
    .string()
    .regex(/^(?:rediss?(?:\+(?:sentinel|cluster))?|postgres(?:ql)?):\/\/./, {
      message:
        "must be a URL that starts with redis://, redis+sentinel://, redis+cluster:// (or rediss) or postgres://",
    })
    .optional(),
  QUEUE_NAMESPACE: z
    .string()
    .regex(/^[A-Za-z0-9-]{1,64}$/, { message: "must be letters, digits and dashes" })
    .optional(),
  QUEUE_SECRET: z.string().min(32, { message: "must have at least 32 characters" }).optional(),
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
  WARM_MODELS: modelIds.prefault(""),
  LOG_LEVEL: z.enum(["debug", "info", "warn", "error", "silent"]).default("info"),
  ...tracingEnvironment,
});

export const workConfigOf = (env: z.output<typeof workEnvironment>): WorkConfig => ({
  dataDir: env.DATA_DIR,
  queueUrl: env.QUEUE_URL ?? null,
  queueNamespace: env.QUEUE_NAMESPACE ?? null,
  queueSecret: env.QUEUE_SECRET ?? null,
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
  tracing: tracingConfigOf(env),
});
