import { MAX_OUTPUT_BYTES } from "../core/messages.ts";

/**
 * What one node grants to its peers. Peers are free to make, so every number here bounds what a stranger costs us.
 */
export interface PeerLimits {
  /** Bytes of an output in a reveal or proposal; larger messages are refused unread. */
  maxOutputBytes: number;
  /** Connections in all, ours and theirs. */
  maxConnections: number;
  /**
   * Of these, connections of peers that `connect` did not name and that have not proven to be an operator's. The rest
   * stays free for those that are.
   */
  maxStrangers: number;
  /** A stranger that is still one after this gives its place to the next one, first those that do not share our topic. */
  idleStrangerMs: number;
  /** Part of every budget below that a peer has which has not proven to be an operator's. */
  strangerShare: number;
  /** New connections per second from one host, before any handshake. */
  maxInboundPerSecondPerHost: number;
  /** Handshakes in progress at once. */
  maxHandshakes: number;
  /** Messages per second from one peer, copies that it only relays included. */
  messagesPerSecond: number;
  messageBurst: number;
  /** Bytes per second from one peer. */
  bytesPerSecond: number;
  byteBurst: number;
  /**
   * Doubt that a peer may cause per second: a message holds 1 while it is judged, gets it back when accepted, costs
   * 1/8 when ignored and 8 when rejected. So honest traffic is bounded by `messagesPerSecond` alone.
   */
  doubtPerSecond: number;
  doubtBurst: number;
  /** Messages being judged at once, over all peers. */
  maxPending: number;
  maxPendingBytes: number;
  /** Messages over a limit, within about ten seconds, after which a peer is disconnected. */
  excessBeforeBan: number;
  /** How long such a peer stays out. */
  banMs: number;
  /** The same content within this time is one message, whoever repeats it. Keep it below the senders' repeat interval. */
  repeatGapMs: number;
  /** Peers on one IP address before each more of them lowers all their scores; null never does. */
  maxPeersPerIp: number | null;
}

const MiB = 1024 * 1024;

/** For 2 to 50 operators, several of which may share a host. */
export const defaultPeerLimits: PeerLimits = {
  maxOutputBytes: MAX_OUTPUT_BYTES,
  maxConnections: 160,
  maxStrangers: 64,
  idleStrangerMs: 5_000,
  strangerShare: 1 / 16,
  maxInboundPerSecondPerHost: 30,
  maxHandshakes: 32,
  messagesPerSecond: 2_000,
  messageBurst: 8_000,
  bytesPerSecond: 8 * MiB,
  byteBurst: 32 * MiB,
  doubtPerSecond: 128,
  doubtBurst: 2_048,
  maxPending: 8_192,
  maxPendingBytes: 64 * MiB,
  excessBeforeBan: 2_000,
  banMs: 60_000,
  repeatGapMs: 500,
  maxPeersPerIp: null,
};
