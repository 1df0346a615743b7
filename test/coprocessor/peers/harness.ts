import { afterEach } from "vitest";
import type { PeerMessage } from "../../../coprocessor/core/messages.ts";
import type { Log } from "../../../coprocessor/observe/port.ts";
import type { PeerLimits } from "../../../coprocessor/peers/limits.ts";
import type { Peers, Verdict } from "../../../coprocessor/peers/port.ts";
import { type Listener, listening, until } from "./network.ts";

/** One that speaks the adapter's protocol and sends what it likes. */
export interface Attacker {
  connect(addresses: readonly string[]): Promise<void>;
  send(bytes: Uint8Array): Promise<void>;
  /** Whether any node still keeps it connected, or would still hear it. */
  connected(): boolean;
  stop(): Promise<void>;
}

export interface PeersHarness {
  name: string;
  /** Whether messages reach nodes that their sender has no connection to. */
  relays: boolean;
  /** `identity` 1..255: equal numbers are the same peer, below 100 a bonded operator's. Listens on loopback. */
  create(options: { identity: number; port: number; limits?: Partial<PeerLimits>; log: Log }): Peers;
  /** Below 100 it proves to be an operator's, and behaves no better for it. */
  attacker(identity: number): Promise<Attacker>;
  /** Wire bytes of a message, with a fresh nonce. */
  encode(message: PeerMessage): Uint8Array;
  /** An address in the adapter's own form where nobody listens. */
  deadAddress: string;
}

/** Makes nodes and attackers that are stopped after each test. */
export function createNetwork(harness: PeersHarness) {
  const open: { stop(): Promise<void> }[] = [];
  afterEach(async () => {
    await Promise.all(open.splice(0).map((peers) => peers.stop()));
  });

  async function node(
    identity: number,
    more: { port?: number; limits?: Partial<PeerLimits>; judge?: (message: PeerMessage) => Verdict } = {},
  ): Promise<Listener> {
    const { port = 0, limits = {}, judge } = more;
    const listener = await listening((log) => harness.create({ identity, port, limits, log }), judge);
    open.push(listener.peers);
    return listener;
  }

  async function fullMesh(nodes: readonly Listener[]): Promise<void> {
    const addresses = nodes.flatMap((n) => n.peers.addresses());
    for (const n of nodes) n.peers.connect(addresses);
    await until("everybody sees everybody, and knows whose peer it is", () =>
      nodes.every(
        ({ peers }) =>
          peers.connected() === nodes.length - 1 && peers.operators().length === nodes.length - 1,
      ),
    );
  }

  const attack = async (identity: number, target: Listener): Promise<Attacker> => {
    const attacker = await harness.attacker(identity);
    open.push(attacker);
    await attacker.connect(target.peers.addresses());
    return attacker;
  };

  return { node, fullMesh, attack };
}
