import { NODE_WATCH_SHARE, WATCHER_WATCH_SHARE, type WatchConfig } from "../config/watchConfig.ts";
import type { AttesterKey } from "../keys/port.ts";
import type { Watching } from "../pipeline/deps.ts";

/**
 * How a node or a watcher looks again at what others proposed, as its configuration says now or its role implies.
 *
 * @param config May say something else later: it is asked at each look.
 */
export async function watchingOf(
  config: () => WatchConfig,
  role: "operator" | "watcher",
  key: AttesterKey,
  balance: () => Promise<bigint>,
): Promise<Watching> {
  const isWatcher = role === "watcher";
  return {
    get share() {
      return config().share ?? (isWatcher ? WATCHER_WATCH_SHARE : NODE_WATCH_SHARE);
    },
    // An operator runs its own models anyway; a stranger's could cost it any amount of disk.
    get serves() {
      return config().models ?? (isWatcher ? "any" : "our seats");
    },
    get maxRunning() {
      return config().maxRunning;
    },
    get marginMs() {
      return config().marginMs;
    },
    seed: await key.derive("watch sample"),
    balance,
  };
}
