import type { Config } from "../config.ts";
import type { OracleScope } from "../core/messages.ts";
import type { AttesterKey } from "../keys/port.ts";
import type { Log } from "../observe/port.ts";
import { createLibp2pPeers } from "../peers/libp2pPeers.ts";
import type { Peers } from "../peers/port.ts";
import type { Role } from "./nodeStatus.ts";
import { silentPeers } from "./silentPeers.ts";

/** An operator's gossip, which is to be started; a watcher has none. */
export async function openGossip(
  { p2p }: Config,
  role: Role,
  { scope, key, log }: { scope: OracleScope; key: AttesterKey; log: Log },
): Promise<Peers> {
  if (role === "watcher") return silentPeers();
  const seed = await key.derive("peer identity");
  return createLibp2pPeers({ scope, seed, listen: p2p, announce: p2p.announce, log });
}
