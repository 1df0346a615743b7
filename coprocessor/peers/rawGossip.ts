import { multiaddr } from "@multiformats/multiaddr";
import type { Hex } from "viem";
import type { OracleScope } from "../core/messages.ts";
import { createGossipNode } from "./gossipNode.ts";
import { gossipTopic } from "./libp2pPeers.ts";
import { defaultPeerLimits } from "./limits.ts";

/** A libp2p node that shares our protocols and none of our manners: it sends whatever it is given. */
export interface RawGossip {
  /** Dials, and waits until each one took us in or sent us away. */
  connect(addresses: readonly string[], timeoutMs: number): Promise<void>;
  /** Publishes bytes, whatever they say. */
  send(bytes: Uint8Array): Promise<void>;
  /** Open connections. */
  connected(): number;
  stop(): Promise<void>;
}

/** Far above what any honest node lets through. */
const MAX_MESSAGE_BYTES = 2_000_000;
const LOOK_MS = 20;

/** For tests and the adversary harness; nothing in a node uses it. */
export async function openRawGossip(scope: OracleScope, seed: Hex): Promise<RawGossip> {
  const topic = gossipTopic(scope);
  const { libp2p, gossip } = await createGossipNode({
    seed: Buffer.from(seed.slice(2), "hex"),
    listen: "/ip4/127.0.0.1/tcp/0",
    announce: [],
    topic,
    limits: defaultPeerLimits,
    maxBundleBytes: MAX_MESSAGE_BYTES,
    messagesIn: () => 1,
    denies: () => false,
    admits: () => true,
  });
  await libp2p.start();
  gossip.subscribe(topic);
  const open = () => libp2p.getConnections().filter(({ status }) => status === "open");
  return {
    async connect(addresses, timeoutMs) {
      await Promise.all(addresses.map((address) => libp2p.dial(multiaddr(address)).catch(() => "sent away")));
      const end = performance.now() + timeoutMs;
      while (performance.now() < end && open().length > gossip.getSubscribers(topic).length)
        await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    },
    async send(bytes) {
      await gossip.publish(topic, bytes);
    },
    connected: () => open().length,
    async stop() {
      for (const connection of open()) connection.abort(new Error("stop"));
      await libp2p.stop();
    },
  };
}
