import { HeadHints } from "../chain/headHints.ts";
import type { Config } from "../config.ts";
import type { Log } from "../observe/port.ts";
import { watchHeads } from "../rpc/headSocket.ts";
import type { Closers } from "./closers.ts";

/** Listens for announcements of new heads, if the configuration says where; for `createRpcChain`. */
export function listenForHeads(config: Config, log: Log, closers: Closers): { hints?: HeadHints } {
  if (config.headsUrl === null) return {};
  const hints = new HeadHints();
  const socket = watchHeads({
    url: config.headsUrl,
    onHead: () => hints.announce(),
    onLost: () => hints.silence(),
    log,
  });
  closers.add("head announcements", () => socket.close());
  return { hints };
}
