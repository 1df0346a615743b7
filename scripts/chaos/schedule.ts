import { Random } from "./random.ts";

/** How an RPC endpoint misbehaves. */
export const RPC_FAULTS = [
  "drop",
  "delay",
  "timeout",
  "repeat",
  "stale",
  "http-429",
  "rate-limit",
  "range-limit",
  "truncate-logs",
  "pool-full",
] as const;
export type RpcFault = (typeof RPC_FAULTS)[number];

/**
 * One thing that goes wrong. `node` counts from 0; times are milliseconds.
 *
 * `kill`          kill -9 of a node, which is down for a while
 * `terminate`     SIGTERM, in mid-job if there is one; started again once it has ended
 * `kill-worker`   kill -9 of a node's inference processes
 * `wipe-store`    kill -9, and its database is gone, the queue too where both are one
 * `crash-server`  its database server dies without a goodbye and recovers
 * `redis-stop`    Redis answers nobody for a while
 * `redis-wipe`    Redis dies with all that it holds and comes back empty
 * `skew`          kill -9, and the node's clock is off when it comes back
 * `disk-full`     its disk has no room for a while
 * `rpc`           one of its endpoints misbehaves for a while
 * `reorg`         blocks are replaced, with their transactions or without them
 * `rollback`      blocks are gone, and with them their transactions
 * `drop-pool`     the mempool forgets everything
 * `base-fee`      gas becomes dear at once, and cheap again as blocks stay empty
 * `flood-pool`    somebody fills the mempool
 */
export type Fault = { atMs: number } & (
  | { kind: "kill"; node: number; downMs: number }
  | { kind: "terminate"; node: number }
  | { kind: "kill-worker"; node: number }
  | { kind: "wipe-store"; node: number; downMs: number }
  | { kind: "crash-server"; downMs: number }
  | { kind: "redis-stop"; forMs: number }
  | { kind: "redis-wipe"; downMs: number }
  | { kind: "skew"; node: number; skewMs: number }
  | { kind: "disk-full"; node: number; forMs: number }
  | { kind: "rpc"; node: number; endpoint: number; fault: RpcFault; forMs: number }
  | { kind: "reorg"; depth: number; withTransactions: boolean }
  | { kind: "rollback"; depth: number }
  | { kind: "drop-pool" }
  | { kind: "base-fee"; gwei: number }
  | { kind: "flood-pool"; transactions: number }
);

/** A request that is made in the storm. */
export interface Ask {
  atMs: number;
  model: "spam-text" | "iris";
  quorum: 1 | 2 | 3;
  /** Which of the model's sample inputs. */
  input: number;
}

/** All that happens: a pure function of seed and size. */
export interface Schedule {
  seed: number;
  /** Milliseconds until the last fault has been started. */
  stormMs: number;
  asks: Ask[];
  faults: Fault[];
}

export const NODES = 3;
/** Endpoints of each node's RPC: one alone, three of which two must agree, two that stand in for each other. */
export const ENDPOINTS = [1, 3, 2] as const;
export const DEEPEST_REORG = 32;

const MS_PER_REQUEST = 800;
const SHORTEST_STORM_MS = 20_000;
const LONGEST_STORM_MS = 240_000;
/** Milliseconds between faults. */
const GAP_MS = [1_500, 4_500] as const;
/** A block, and what a busy machine may be late by: a reorg must not reach what was there before the storm. */
const MS_PER_BLOCK = 1_000;
const REORG_MARGIN_BLOCKS = 3;

type Kind = Fault["kind"] | `rpc ${RpcFault}`;

/** Each kind comes once before any comes again; what happens in real life more often stands here more often. */
const DECK: readonly Kind[] = [
  "kill",
  "kill",
  "kill",
  "terminate",
  "terminate",
  "kill-worker",
  "kill-worker",
  "wipe-store",
  "crash-server",
  "redis-stop",
  "redis-wipe",
  "skew",
  "disk-full",
  "reorg",
  "reorg",
  "reorg",
  "rollback",
  "drop-pool",
  "drop-pool",
  "base-fee",
  "flood-pool",
  ...RPC_FAULTS.map((fault) => `rpc ${fault}` as const),
];

/** @param stormMs Milliseconds that the storm takes; by the number of requests when not given. */
export function planStorm(seed: number, requests: number, stormMs = stormOf(requests)): Schedule {
  const random = new Random(seed);
  const asks = Array.from({ length: requests }, (): Ask => {
    const roll = random.next();
    return {
      atMs: random.between(0, stormMs),
      model: random.chance(0.6) ? "spam-text" : "iris",
      quorum: roll < 0.75 ? 2 : roll < 0.92 ? 3 : 1,
      input: random.between(0, 1_000),
    };
  }).sort((a, b) => a.atMs - b.atMs);
  const faults: Fault[] = [];
  let deck: Kind[] = [];
  for (let atMs = random.between(...GAP_MS); atMs < stormMs; atMs += random.between(...GAP_MS)) {
    if (deck.length === 0) deck = random.shuffled(DECK);
    faults.push(faultOf(deck.pop() as Kind, atMs, random));
  }
  return { seed, stormMs, asks, faults };
}

const stormOf = (requests: number): number =>
  Math.min(LONGEST_STORM_MS, Math.max(SHORTEST_STORM_MS, requests * MS_PER_REQUEST));

function faultOf(kind: Kind, atMs: number, random: Random): Fault {
  const node = random.between(0, NODES - 1);
  const deepest = Math.min(DEEPEST_REORG, Math.floor(atMs / MS_PER_BLOCK) - REORG_MARGIN_BLOCKS);
  const depth = random.between(1, Math.max(1, deepest));
  switch (kind) {
    case "kill":
    case "wipe-store":
      return { atMs, kind, node, downMs: random.between(200, 6_000) };
    case "terminate":
    case "kill-worker":
      return { atMs, kind, node };
    case "crash-server":
    case "redis-wipe":
      return { atMs, kind, downMs: random.between(500, 4_000) };
    case "redis-stop":
      return { atMs, kind, forMs: random.between(1_000, 8_000) };
    case "skew":
      return { atMs, kind, node, skewMs: random.between(-30_000, 30_000) };
    case "disk-full":
      return { atMs, kind, node, forMs: random.between(2_000, 8_000) };
    case "reorg":
      return { atMs, kind, depth, withTransactions: random.chance(0.5) };
    case "rollback":
      return { atMs, kind, depth: Math.min(depth, 8) };
    case "drop-pool":
      return { atMs, kind };
    case "base-fee":
      return { atMs, kind, gwei: random.between(2, 40) };
    case "flood-pool":
      return { atMs, kind, transactions: random.between(50, 150) };
    default: {
      const fault = (kind as string).slice("rpc ".length) as RpcFault;
      const endpoint = random.between(0, (ENDPOINTS[node] ?? 1) - 1);
      return { atMs, kind: "rpc", node, endpoint, fault, forMs: random.between(2_000, 10_000) };
    }
  }
}

/** One line a fault, for people and for comparing two runs of a seed. */
export function describeFault({ atMs, kind, ...rest }: Fault): string {
  const parts = Object.entries(rest).map(([name, value]) => `${name} ${value}`);
  return `${(atMs / 1_000).toFixed(1).padStart(6)} s  ${kind.padEnd(12)} ${parts.join(", ")}`;
}
