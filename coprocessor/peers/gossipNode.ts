// Before libp2p, which calls Promise.withResolvers.
import "./promiseWithResolvers.ts";

import { hash } from "node:crypto";
import { generateKeyPairFromSeed } from "@libp2p/crypto/keys";
import { type GossipSub, gossipsub } from "@libp2p/gossipsub";
import type { RPC } from "@libp2p/gossipsub/message";
import { identify } from "@libp2p/identify";
import { noise } from "@libp2p/noise";
import { tcp } from "@libp2p/tcp";
import { yamux } from "@libp2p/yamux";
import { createLibp2p, type Libp2p } from "libp2p";
import { CoprocessorError } from "../core/errors.ts";
import { gossipParameters } from "./gossipParameters.ts";
import type { PeerLimits } from "./limits.ts";
import { withRareWindowUpdates } from "./rareWindowUpdates.ts";

export type PeerId = Libp2p["peerId"];

/** What gossipsub's class has beyond its published interface, and we use. */
interface GossipInternals {
  /** Every inbound RPC passes here, before any message is hashed or remembered. */
  handleReceivedRpc(from: PeerId, rpc: RPC): Promise<void>;
  /** The verdict on a message under `asyncValidation`. */
  reportMessageValidationResult(msgId: string, propagationSource: string, verdict: string): void;
  /** By peer id; a peer without one hears nothing from us. */
  readonly streamsOutbound: ReadonlyMap<string, unknown>;
}

export type Gossip = GossipSub & GossipInternals;

export interface GossipNode {
  libp2p: Libp2p;
  gossip: Gossip;
}

export interface GossipNodeOptions {
  /** 32 bytes; the peer id follows from them alone. */
  seed: Uint8Array;
  /** Multiaddr without peer id. */
  listen: string;
  announce: readonly string[];
  topic: string;
  limits: PeerLimits;
  /** Of what is published at once: a bundle. */
  maxBundleBytes: number;
  /** Whether a peer has proven to be an operator's. */
  isOperator?(peer: string): boolean;
  /** Refuses a peer before it costs more than a handshake. */
  denies(peer: string, direction: "inbound" | "outbound"): boolean;
  /** Refuses the messages and control parts of an RPC that its sender has no budget for. */
  admits(peer: string, messages: number, bytes: number): boolean;
  /** How many messages a publication says it has; what budgets and counts go by. */
  messagesIn(bytes: Uint8Array): number;
  /** Told of the copies of messages in each RPC, before any is judged. */
  onCopies?(messages: number, bytes: number): void;
}

/** libp2p with gossipsub, built and not started. */
export async function createGossipNode(options: GossipNodeOptions): Promise<GossipNode> {
  const { limits } = options;
  const libp2p = await createLibp2p({
    start: false,
    privateKey: await generateKeyPairFromSeed("Ed25519", options.seed),
    addresses: { listen: [options.listen], announce: [...options.announce] },
    transports: [
      tcp({ maxConnections: limits.maxConnections + limits.maxHandshakes, dialOpts: { noDelay: true } }),
    ],
    connectionEncrypters: [noise()],
    streamMuxers: [withRareWindowUpdates(yamux({ maxInboundStreams: 32, maxOutboundStreams: 32 }))],
    connectionManager: {
      maxConnections: limits.maxConnections,
      maxIncomingPendingConnections: limits.maxHandshakes,
      inboundConnectionThreshold: limits.maxInboundPerSecondPerHost,
      inboundUpgradeTimeout: 5_000,
      dialTimeout: 5_000,
      connectionCloseTimeout: 250,
      maxDialQueueLength: limits.maxConnections,
    },
    connectionGater: {
      // The default refuses loopback and private addresses in browsers only; said here so that it stays so.
      denyDialMultiaddr: () => false,
      denyInboundEncryptedConnection: (peer) => options.denies(peer.toString(), "inbound"),
      denyOutboundEncryptedConnection: (peer) => options.denies(peer.toString(), "outbound"),
    },
    services: {
      identify: identify({ maxMessageSize: 8_192 }),
      gossip: gossipsub({
        ...gossipParameters(options.topic, limits, options.maxBundleBytes, options.isOperator),
        msgIdFn: (message) => hash("sha256", message.data, "buffer").subarray(0, 20),
        msgIdToStrFn: (id) => Buffer.from(id.buffer, id.byteOffset, id.byteLength).toString("base64"),
      }),
    },
  });
  const gossip = libp2p.services.gossip as Gossip;
  limitInbound(gossip, options);
  return { libp2p, gossip };
}

/**
 * Puts the budget in front of gossipsub.
 *
 * Its own hooks run after a message's id is in the seen cache, so a flood of junk would fill memory from there.
 */
function limitInbound(
  gossip: Gossip,
  { admits, messagesIn, onCopies }: Pick<GossipNodeOptions, "admits" | "messagesIn" | "onCopies">,
): void {
  if (
    typeof gossip.handleReceivedRpc !== "function" ||
    typeof gossip.reportMessageValidationResult !== "function" ||
    !(gossip.streamsOutbound instanceof Map)
  ) {
    throw new CoprocessorError("this version of gossipsub cannot be rate-limited", {
      code: "peers/unsupported-gossipsub",
      retry: "never",
    });
  }
  const handle = gossip.handleReceivedRpc.bind(gossip);
  gossip.handleReceivedRpc = (from, rpc) => {
    const { messages: publications, control } = rpc;
    let messages = 0;
    let bytes = 0;
    for (const { data } of publications) {
      messages += data === undefined ? 1 : messagesIn(data);
      bytes += data?.length ?? 0;
    }
    if (messages > 0) onCopies?.(messages, bytes);
    const parts = messages + (control ? countControl(control) : 0);
    if (parts > 0 && !admits(from.toString(), parts, bytes)) {
      // Subscriptions stay: they are few, bounded elsewhere, and losing one would leave an honest peer deaf.
      return handle(from, { subscriptions: rpc.subscriptions, messages: [] });
    }
    return handle(from, rpc);
  };
}

const countControl = (control: NonNullable<RPC["control"]>): number =>
  control.ihave.length +
  control.iwant.length +
  control.graft.length +
  control.prune.length +
  control.idontwant.length;
