import type { Peers } from "../peers/port.ts";

/** What a watcher has in the place of gossip, and a rebuild: says nothing to operators and hears nothing from them. */
export function silentPeers(): Peers {
  return {
    start: async () => {},
    publish: async () => {},
    connect: () => {},
    addresses: () => [],
    connected: () => 0,
    operators: () => [],
    traffic: () => ({ published: 0, sent: 0, received: 0, copies: 0, copiedBytes: 0 }),
    stop: async () => {},
  };
}
