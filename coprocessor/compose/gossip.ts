import type { Config } from "../config.ts";
import type { OracleScope } from "../core/messages.ts";
import type { AttesterKey } from "../keys/port.ts";
import type { Log } from "../observe/port.ts";
import { createHttpPeers } from "../peers/httpPeers.ts";
import { createLibp2pPeers } from "../peers/libp2pPeers.ts";
import type { Peers } from "../peers/port.ts";
import type { Store } from "../store/port.ts";
import type { Role } from "./nodeStatus.ts";
import { peerIdentity } from "./peerIdentity.ts";
import { silentPeers } from "./silentPeers.ts";

export interface GossipParts {
  scope: OracleScope;
  operatorId: number;
  key: AttesterKey;
  /** Makes the peer id another one for each node that took over from another; empty for a node alone. */
  tenure: string;
  store: Pick<Store, "operator" | "holdsSeat">;
  log: Log;
}

/** How an operator speaks with the others, as the configuration says; it is to be started. A watcher says nothing. */
export async function openGossip(
  { p2p }: Pick<Config, "p2p">,
  role: Role,
  parts: GossipParts,
): Promise<Peers> {
  if (role === "watcher") return silentPeers();
  const options = {
    scope: parts.scope,
    seed: await parts.key.derive(`peer identity${parts.tenure}`),
    identity: peerIdentity(parts),
    listen: p2p,
    announce: p2p.announce,
    log: parts.log,
  };
  switch (p2p.transport) {
    case "libp2p":
      return createLibp2pPeers(options);
    case "http":
      return createHttpPeers(options);
  }
}
