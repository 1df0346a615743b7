import type { Hex } from "viem";
import type { PeerMessage } from "./messages.ts";

export interface PendingLimits {
  /** Requests that are kept at once; the oldest goes first. */
  requests: number;
  /** Messages per request; later ones are dropped, their senders repeat. */
  messagesPerRequest: number;
  /** Milliseconds. */
  ttlMs: number;
}

interface Entry {
  since: number;
  messages: PeerMessage[];
}

/** Bounded memory of messages about requests that the chain has not shown us yet. */
export class PendingMessages {
  readonly #limits: PendingLimits;
  /** Oldest first: a Map keeps the order of insertion. */
  readonly #entries = new Map<Hex, Entry>();

  constructor(limits: PendingLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** False when there is no room for it. */
  add(message: PeerMessage, now: number): boolean {
    this.#forget(now);
    const entry = this.#entries.get(message.requestId);
    if (entry !== undefined) {
      if (entry.messages.length >= this.#limits.messagesPerRequest) return false;
      entry.messages.push(message);
      return true;
    }
    if (this.#entries.size >= this.#limits.requests) {
      const [oldest] = this.#entries.keys();
      if (oldest !== undefined) this.#entries.delete(oldest);
    }
    this.#entries.set(message.requestId, { since: now, messages: [message] });
    return true;
  }

  /** Hands over what was kept about a request, in order of arrival, and forgets it. */
  take(requestId: Hex): PeerMessage[] {
    const messages = this.#entries.get(requestId)?.messages ?? [];
    this.#entries.delete(requestId);
    return messages;
  }

  #forget(now: number): void {
    for (const [requestId, entry] of this.#entries) {
      if (now - entry.since < this.#limits.ttlMs) return;
      this.#entries.delete(requestId);
    }
  }
}
