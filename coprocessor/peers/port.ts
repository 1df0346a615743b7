import type { PeerMessage } from "../core/messages.ts";

/**
 * `accept` relays the message, `ignore` drops it silently (not judged yet, or stale), `reject` drops it and counts
 * against the peer that relayed it.
 */
export type Verdict = "accept" | "ignore" | "reject";

/** What a node said to its peers and heard from them since it started. */
export interface PeerTraffic {
  /** Messages of our own. */
  published: number;
  /** Copies of them that we sent, one for each peer. */
  sent: number;
  /** Messages of others that reached our handler, or were refused before it. */
  received: number;
  /** Copies that reached us, those that we had already among them. */
  copies: number;
  /** Bytes of all copies. */
  copiedBytes: number;
}

/**
 * Gossip between operators of one oracle.
 *
 * Implementations: `libp2pPeers` (gossipsub over tcp, noise, yamux), `httpPeers` (posts to every operator). Peers prove
 * with a signed record which operator they speak for. Messages are size-limited and parsed before the handler sees them. Delivery is at most once and unordered; senders repeat. Deliberately excluded: what messages
 * mean, and whether a signature is right (the handler's verdict).
 */
export interface Peers {
  start(onMessage: (message: PeerMessage) => Promise<Verdict>): Promise<void>;
  /** Sends to all; not to ourselves. Never fails for want of peers: senders repeat. */
  publish(message: PeerMessage): Promise<void>;
  /** Keeps a connection to these addresses (multiaddrs, or URLs), redialling with back-off; replaces the previous list. */
  connect(endpoints: readonly string[]): void;
  /** Addresses that we listen on; multiaddrs with our peer id. */
  addresses(): string[];
  /** Peers that share our topic now. */
  connected(): number;
  /** Bonded operators that peers of ours have proven to speak for; ids, increasing. */
  operators(): number[];
  traffic(): PeerTraffic;
  stop(): Promise<void>;
}
