import type { PeerLimits } from "./limits.ts";
import type { Verdict } from "./port.ts";

/** Peers whose budgets are remembered, connected or not; the longest unseen is forgotten first. */
const MAX_REMEMBERED = 4_096;
/** Doubt that a verdict costs. */
const COST: Record<Verdict, number> = { accept: 0, ignore: 1 / 8, reject: 8 };
/** Excess is forgotten at this share of `excessBeforeBan` per second. */
const EXCESS_DECAY = 0.1;

interface Budget {
  messages: number;
  bytes: number;
  doubt: number;
  excess: number;
  at: number;
}

/**
 * Token buckets per peer, and what is being judged over all peers. Strangers have smaller ones.
 *
 * Budgets outlive a connection, so that reconnecting buys nothing. Times are milliseconds of any monotonic clock.
 */
export interface IngressLimit {
  /** Takes messages and bytes off a peer's budget; false, and nothing may be read, when either is spent. */
  admit(peer: string, messages: number, bytes: number, now: number): boolean;
  /** Reserves places for judging messages that came together; false when the peer or everybody has too many open. */
  beginJudging(peer: string, messages: number, bytes: number, now: number): boolean;
  /** Gives these places back and settles what the messages cost their peer: one verdict on each, or one on all. */
  endJudging(peer: string, messages: number, bytes: number, verdicts: readonly Verdict[], now: number): void;
  /** Whether a peer went on over its limits for so long that it has to leave. */
  isFlooding(peer: string, now: number): boolean;
  pending(): { messages: number; bytes: number };
}

/** @param isTrusted Whether a peer has the whole budget, now; it may change at any time. */
export function createIngressLimit(
  limits: PeerLimits,
  isTrusted: (peer: string) => boolean = () => true,
): IngressLimit {
  const budgets = new Map<string, Budget>();
  let pendingMessages = 0;
  let pendingBytes = 0;

  function budgetOf(peer: string, now: number): Budget {
    const share = isTrusted(peer) ? 1 : limits.strangerShare;
    const known = budgets.get(peer);
    const budget = known ?? {
      messages: limits.messageBurst * share,
      bytes: limits.byteBurst * share,
      doubt: limits.doubtBurst * share,
      excess: 0,
      at: now,
    };
    const seconds = Math.max(0, now - budget.at) / 1_000;
    const refill = (left: number, burst: number, perSecond: number) =>
      Math.min(burst * share, left + seconds * perSecond * share);
    budget.messages = refill(budget.messages, limits.messageBurst, limits.messagesPerSecond);
    budget.bytes = refill(budget.bytes, limits.byteBurst, limits.bytesPerSecond);
    budget.doubt = refill(budget.doubt, limits.doubtBurst, limits.doubtPerSecond);
    budget.excess = Math.max(0, budget.excess - seconds * limits.excessBeforeBan * EXCESS_DECAY);
    budget.at = now;
    // Deleting first moves the peer to the map's end: the map stays ordered by last sight.
    budgets.delete(peer);
    budgets.set(peer, budget);
    if (budgets.size > MAX_REMEMBERED) {
      for (const oldest of budgets.keys()) {
        budgets.delete(oldest);
        break;
      }
    }
    return budget;
  }

  return {
    admit(peer, messages, bytes, now) {
      const budget = budgetOf(peer, now);
      if (budget.messages < messages || budget.bytes < bytes) {
        budget.excess += Math.max(1, messages);
        return false;
      }
      budget.messages -= messages;
      budget.bytes -= bytes;
      return true;
    },

    beginJudging(peer, messages, bytes, now) {
      const budget = budgetOf(peer, now);
      if (budget.doubt < messages) {
        budget.excess += messages;
        return false;
      }
      // Everybody's fault is nobody's excess.
      if (pendingMessages + messages > limits.maxPending || pendingBytes + bytes > limits.maxPendingBytes)
        return false;
      budget.doubt -= messages;
      pendingMessages += messages;
      pendingBytes += bytes;
      return true;
    },

    endJudging(peer, messages, bytes, verdicts, now) {
      pendingMessages -= messages;
      pendingBytes -= bytes;
      const budget = budgetOf(peer, now);
      const cost = verdicts.reduce((sum, verdict) => sum + COST[verdict], 0);
      const share = isTrusted(peer) ? 1 : limits.strangerShare;
      budget.doubt = Math.min(limits.doubtBurst * share, budget.doubt + messages - cost);
    },

    isFlooding(peer, now) {
      return budgetOf(peer, now).excess >= limits.excessBeforeBan;
    },

    pending: () => ({ messages: pendingMessages, bytes: pendingBytes }),
  };
}
