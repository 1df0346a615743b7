import type { Hex } from "viem";
import type { OracleScope, PeerMessage } from "../core/messages.ts";
import { createPrivateKeySigner } from "../keys/privateKey.ts";
import { createPinoLog } from "../observe/pinoLog.ts";
import { createLibp2pPeers } from "../peers/libp2pPeers.ts";

export interface GossipListenerOptions {
  scope: OracleScope;
  /** A registered operator's attester key: its peer identity follows from it, so nodes keep a place for it. */
  attesterKey: Hex;
  listen: { host: string; port: number };
  /** Multiaddrs of nodes to stay connected to. */
  connect: readonly string[];
  /** Called for every message that parses; nothing about it has been checked beyond that. */
  onMessage(message: PeerMessage): void;
}

/** A peer that hears what operators say, passes it on, and says nothing itself. */
export interface GossipListener {
  /** Multiaddrs that nodes can dial. */
  addresses(): string[];
  connected(): number;
  close(): Promise<void>;
}

/**
 * Listens to an oracle's gossip with a real peer: for auditors, and for harnesses that hold operators to what they signed.
 *
 * @throws CoprocessorError of the gossip adapter, for a port in use for one.
 */
export async function listenToGossip(options: GossipListenerOptions): Promise<GossipListener> {
  const key = createPrivateKeySigner(options.attesterKey);
  const peers = createLibp2pPeers({
    scope: options.scope,
    seed: await key.derive("peer identity"),
    listen: options.listen,
    // It has no copy of the registry to know operators by, and nobody whose work it could keep up.
    limits: { strangerShare: 1 },
    log: createPinoLog("silent", { service: "gossip listener" }),
  });
  await peers.start(async (message) => {
    options.onMessage(message);
    return "accept";
  });
  peers.connect(options.connect);
  return {
    addresses: () => peers.addresses(),
    connected: () => peers.connected(),
    close: () => peers.stop(),
  };
}
