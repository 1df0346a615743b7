import type { Log } from "../observe/port.ts";
import type { Store } from "../store/port.ts";

/** Requests removed in one transaction: short enough that nobody waits for it. */
const BATCH = 200;
const DAY_S = 86_400;
export const RETENTION_INTERVAL_MS = 3_600_000;

export interface RetentionParts {
  store: Store;
  log: Log;
  retentionDays(): number;
  /** Seconds that leaving stake can still be slashed: what we signed may be held against us as long. */
  unbondingSeconds: number;
  now(): number;
}

/**
 * Removes what is over and older than the operator keeps it, batch by batch.
 *
 * @returns when to call again, Unix milliseconds.
 */
export async function applyRetention(parts: RetentionParts): Promise<number> {
  const { store, log, now } = parts;
  const keptSeconds = Math.max(parts.retentionDays() * DAY_S, parts.unbondingSeconds);
  const before = Math.floor(now() / 1_000) - keptSeconds;
  let removed = 0;
  for (let last = BATCH; last === BATCH; ) {
    last = await store.forgetClosed({ before, limit: BATCH });
    removed += last;
    // Others get their turn at the database.
    await new Promise(setImmediate);
  }
  if (removed > 0) log.info({ removed, before }, "old requests removed");
  return now() + RETENTION_INTERVAL_MS;
}
