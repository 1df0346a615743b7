import { type CatchUp, catchUpText } from "./catchUp.ts";

/** What a node knows about itself when it is asked whether it can serve requests. */
export interface NodeFacts {
  draining: boolean;
  /** All that the chain said before our start is stored. */
  synced: boolean;
  /** How far it is on the way there; null before the first block and after the last. */
  progress: CatchUp | null;
  /** See `tooYoungForMs`. */
  tooYoungForMs: number;
  /** Endpoints that answered when they were last asked, and how many must agree. */
  rpc: { usable: number; needed: number };
  /** What the queue or the store answered, when it was an error: `code: message`. */
  queueFault: string | null;
  storeFault: string | null;
  /** See `BalanceAlarm` and `clockFault`. */
  balanceFault: string | null;
  clockFault: string | null;
  /** Other registered operators, those that we hear now, and for how many milliseconds it was none. */
  peers: { others: number; connected: number; aloneForMs: number };
}

/** Meshes form in seconds, and one node has to be the first. */
const ALONE_MS = 30_000;

/**
 * Why a node cannot serve requests; empty when it can. Each reason is `code: text`.
 *
 * A node that is not ready goes on with what it can do.
 */
export function notReadyReasons(facts: NodeFacts): string[] {
  const { rpc, peers, progress } = facts;
  const far = progress === null ? "" : `, ${catchUpText(progress)}`;
  const reasons: (string | null)[] = [
    facts.draining ? "node/draining: it finishes what is under way and ends" : null,
    facts.synced ? null : `chain/not-caught-up: it has not caught up with the chain yet${far}`,
    facts.tooYoungForMs > 0
      ? `memory/too-young: it may have signed already what opens in the next ${Math.ceil(facts.tooYoungForMs / 1_000)} s, before its memory begins`
      : null,
    rpc.usable >= rpc.needed
      ? null
      : `rpc/quorum-lost: ${rpc.usable} RPC endpoints answer, ${rpc.needed} must agree`,
    facts.queueFault,
    facts.storeFault,
    facts.balanceFault,
    facts.clockFault,
    peers.others > 0 && peers.connected === 0 && peers.aloneForMs >= ALONE_MS
      ? `peers/none: none of ${peers.others} other operators is heard for ${Math.floor(peers.aloneForMs / 1_000)} s`
      : null,
  ];
  return reasons.filter((reason) => reason !== null);
}

/** What a machine's clock can be compared with. */
export interface ClockSources {
  /** How far the servers' clocks are ahead of ours by their HTTP answers, milliseconds. */
  serversAheadMs: readonly number[];
  /** How far the newest block was ahead of our clock when we first saw it; null before the first. */
  chainAheadMs: number | null;
}

/**
 * Why a clock is not to be trusted; null when it is, or nothing can tell.
 *
 * Servers' answers say it best; half of them may be wrong. Without any, blocks have to do, and then a chain that stands still
 * looks the same.
 */
export function clockFault({ serversAheadMs, chainAheadMs }: ClockSources, boundMs: number): string | null {
  const sorted = serversAheadMs.toSorted((a, b) => a - b);
  const median = sorted[(sorted.length - 1) >> 1];
  const aheadMs = median ?? chainAheadMs;
  if (aheadMs === null || Math.abs(aheadMs) <= boundMs) return null;
  const seconds = (Math.abs(aheadMs) / 1_000).toFixed(1);
  const direction = aheadMs > 0 ? "behind" : "ahead of";
  const source =
    median === undefined
      ? "the chain's newest block; or the chain stands still"
      : `${sorted.length} RPC server${sorted.length === 1 ? "" : "s"}`;
  return `clock/off: this machine's clock is ${seconds} s ${direction} ${source} (at most ${boundMs / 1_000} s)`;
}
