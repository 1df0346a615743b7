import type { Config } from "../config.ts";
import type { OracleScope } from "../core/messages.ts";
import type { AttesterKey } from "../keys/port.ts";
import type { Log } from "../observe/port.ts";
import { createHttpPeers } from "../peers/httpPeers.ts";
import { createLibp2pPeers } from "../peers/libp2pPeers.ts";
import type { Peers } from "../peers/port.ts";
import type { Store } from "../store/port.ts";
import { peerIdentity } from "./peerIdentity.ts";

/** How an operator's node speaks with the others, as the configuration says; not started yet. */
export async function openPeers(
  { p2p }: Pick<Config, "p2p">,
  parts: {
    scope: OracleScope;
    operatorId: number;
    key: AttesterKey;
    store: Pick<Store, "operator" | "holdsSeat">;
    log: Log;
  },
): Promise<Peers> {
  const { scope, key, log } = parts;
  const options = {
    scope,
    seed: await key.derive("peer identity"),
    identity: peerIdentity(parts),
    listen: p2p,
    announce: p2p.announce,
    log,
  };
  switch (p2p.transport) {
    case "libp2p":
      return createLibp2pPeers(options);
    case "http":
      return createHttpPeers(options);
  }
}
