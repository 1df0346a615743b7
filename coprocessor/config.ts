import type { Address, Hex } from "viem";
import { z } from "zod";
import { ATTESTER_VARIABLES, type AttesterSource, attesterFrom } from "./config/attesterConfig.ts";
import { courtConfigOf, courtEnvironment } from "./config/courtConfig.ts";
import { type OperationsConfig, operationsEnvironment, operationsFrom } from "./config/operationsConfig.ts";
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
} from "./config/values.ts";
import { type WatchConfig, watchConfigOf, watchEnvironment } from "./config/watchConfig.ts";
import { type WorkConfig, workConfigOf, workEnvironment } from "./config/workConfig.ts";
import type { AgreementTiming } from "./core/agreement.ts";
import { CAPABILITY_PATTERN, type CapabilityChoice } from "./core/capability.ts";
import type { CourtPolicy } from "./core/punishmentCost.ts";

/** Everything that an operator decides, read once at start. */
export interface Config extends WorkConfig {
  rpcUrls: string[];
  /** How many of them must say the same about logs and blocks. */
  rpcQuorum: number;
  /** Where new heads are announced; null when nowhere, and the chain is polled alone. */
  headsUrl: string | null;
  oracle: Address;
  /** Block of the oracle's deployment; nothing before it is read. */
  startBlock: bigint;
  /** Blocks on top of one until it counts as final; null asks the chain for its finalized block. */
  confirmations: number | null;
  attester: AttesterSource;
  /** Which models need workers of a kind. */
  capabilities: CapabilityChoice;
  /** Whether jobs run in this process too, or only in `sibyl worker`. */
  embeddedWorker: boolean;
  /** Part of the jobs that the node runs once more itself before it signs for them, 0 to 1. */
  spotCheckShare: number;
  /** Whether to wait, ready to take over, while another node of this operator is active. */
  standby: boolean;
  /** Where a fresh embedded database is kept to be copied; null makes each one anew (4 s of CPU). */
  databaseTemplate: string | null;
  /** Null is embedded Postgres. */
  databaseUrl: `postgres://${string}` | `postgresql://${string}` | null;
  p2p: HostAndPort & { transport: (typeof TRANSPORTS)[number]; announce: string[]; bootstrap: string[] };
  status: HostAndPort;
  watch: WatchConfig;
  timing: AgreementTiming;
  court: CourtPolicy;
  /** Milliseconds between repeats of what we said about an open request. */
  repeatMs: number;
  operations: OperationsConfig;
}

/** How operators of a network speak with each other: all of them alike. */
const TRANSPORTS = ["libp2p", "http"] as const;

const capabilityOfModel = list.transform((items, context) => {
  const entries = items.map((item) => item.split("=").map((part) => part.trim()));
  const wrong = entries.findIndex(
    ([model = "", capability = "", ...rest]) =>
      !/^0x[0-9a-f]{64}$/.test(model) || !CAPABILITY_PATTERN.test(capability) || rest.length > 0,
  );
  if (wrong === -1) return Object.fromEntries(entries) as Record<Hex, string>;
  context.addIssue({
    code: "custom",
    message: `must be model=queue with a model's id and letters, digits and dashes, not ${items[wrong]}`,
  });
  return z.NEVER;
});

/** Names are the environment's; `docs` lists them from here. */
const environment = workEnvironment.extend(watchEnvironment.shape).extend({
  RPC_URL: urlsOf(["http:", "https:", "ws:", "wss:"]).refine((items) => items.length > 0, {
    message: "must name at least one endpoint",
  }),
  RPC_QUORUM: z.coerce.number().int().min(1).max(16).default(1),
  RPC_HEADS_URL: urlOf(["ws:", "wss:"]).optional(),
  ORACLE_ADDRESS: address,
  START_BLOCK: z.coerce.bigint().min(0n).default(0n),
  CONFIRMATIONS: z.coerce.number().int().min(0).max(10_000).optional(),
  MODEL_QUEUES: capabilityOfModel.prefault(""),
  WORKER: z.enum(["embedded", "none"]).default("embedded"),
  SPOT_CHECK_SHARE: z.coerce.number().min(0).max(1).default(0),
  STANDBY: z
    .enum(["0", "1"])
    .default("0")
    .transform((choice) => choice === "1"),
  DATABASE_URL: urlOf(["postgres:", "postgresql:"])
    .transform((text) => text as `postgres://${string}`)
    .optional(),
  DATABASE_TEMPLATE: path.optional(),
  P2P_TRANSPORT: z.enum(TRANSPORTS).default("libp2p"),
  P2P_LISTEN: hostAndPort.prefault("0.0.0.0:4001"),
  P2P_ANNOUNCE: list.default([]),
  P2P_BOOTSTRAP: list.default([]),
  STATUS_LISTEN: hostAndPort.prefault("127.0.0.1:4002"),
  COMMIT_GRACE_MS: milliseconds(400),
  REVEAL_GRACE_MS: milliseconds(400),
  VIEW_TIMEOUT_MS: milliseconds(3_000).pipe(z.number().min(100)),
  SETTLE_DELAY_MS: milliseconds(4_000),
  STANDBY_DELAY_MS: milliseconds(3_000),
  REPLACE_AFTER_MS: milliseconds(3_000),
  REPEAT_MS: milliseconds(1_000).pipe(z.number().min(100)),
  ...courtEnvironment,
  ...operationsEnvironment.shape,
});

/** Names of all variables that a node reads. */
export const nodeVariables = (): string[] => [
  ...Object.keys(environment.shape),
  ...ATTESTER_VARIABLES,
  "ORACLES",
];

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
  if (env.WORKER === "none" && env.QUEUE_URL === undefined)
    throw invalid(["WORKER is none, and without QUEUE_URL no other worker can reach the queue"]);
  if (env.STANDBY && (env.DATABASE_URL === undefined || env.QUEUE_URL === undefined))
    throw invalid(["STANDBY is 1, and two nodes share no memory without DATABASE_URL and QUEUE_URL"]);
  return {
    ...workConfigOf(env),
    rpcUrls: env.RPC_URL,
    rpcQuorum: env.RPC_QUORUM,
    headsUrl: env.RPC_HEADS_URL ?? null,
    oracle: env.ORACLE_ADDRESS,
    startBlock: env.START_BLOCK,
    confirmations: env.CONFIRMATIONS ?? null,
    attester: attester.source,
    capabilities: { ofModel: env.MODEL_QUEUES },
    embeddedWorker: env.WORKER === "embedded",
    spotCheckShare: env.SPOT_CHECK_SHARE,
    standby: env.STANDBY,
    databaseTemplate: env.DATABASE_TEMPLATE ?? null,
    databaseUrl: env.DATABASE_URL ?? null,
    p2p: {
      ...env.P2P_LISTEN,
      transport: env.P2P_TRANSPORT,
      announce: env.P2P_ANNOUNCE,
      bootstrap: env.P2P_BOOTSTRAP,
    },
    status: env.STATUS_LISTEN,
    watch: watchConfigOf(env),
    timing: {
      commitGraceMs: env.COMMIT_GRACE_MS,
      revealGraceMs: env.REVEAL_GRACE_MS,
      viewTimeoutMs: env.VIEW_TIMEOUT_MS,
      settleDelayMs: env.SETTLE_DELAY_MS,
      standbyDelayMs: env.STANDBY_DELAY_MS,
      replaceAfterMs: env.REPLACE_AFTER_MS,
    },
    court: courtConfigOf(env),
    repeatMs: env.REPEAT_MS,
    operations: operationsFrom(env),
  };
}
