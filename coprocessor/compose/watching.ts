import { NODE_WATCH_SHARE, WATCHER_WATCH_SHARE, type WatchConfig } from "../config/watchConfig.ts";
import type { AttesterKey } from "../keys/port.ts";
import type { Watching } from "../pipeline/deps.ts";

/** How a node or a watcher looks again at what others proposed, as its configuration says or its role implies. */
export async function watchingOf(
  config: WatchConfig,
  role: "operator" | "watcher",
  key: AttesterKey,
  balance: () => Promise<bigint>,
): Promise<Watching> {
  const isWatcher = role === "watcher";
  return {
    share: config.share ?? (isWatcher ? WATCHER_WATCH_SHARE : NODE_WATCH_SHARE),
    // An operator runs its own models anyway; a stranger's could cost it any amount of disk.
    serves: config.models ?? (isWatcher ? "any" : "our seats"),
    seed: await key.derive("watch sample"),
    maxRunning: config.maxRunning,
    marginMs: config.marginMs,
    balance,
  };
}
