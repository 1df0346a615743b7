import type { HeadHints } from "./headHints.ts";

/** Nobody else pays for looks at a chain on the same machine, which may have blocks at any time. */
const LOOPBACK_MS = 100;
const SHORTEST_MS = 200;
const LONGEST_MS = 4_000;
/** What the block time is taken for until two blocks are known. */
const PRESUMED_BLOCK_MS = 4_000;
/** Block times without an announcement after which one counts as missed. */
const OVERDUE_BLOCKS = 2;
const LONGEST_OVERDUE_MS = 30_000;

/**
 * Milliseconds between two looks at the head: 100 on loopback, else a quarter of the block time. While heads are announced as
 * often as they come, a block time does, because what is announced is looked at anyway.
 */
export function pollIntervalMs({
  loopback,
  blockTimeMs,
  hints,
}: {
  loopback: boolean;
  /** Null while fewer than two blocks are known. */
  blockTimeMs: number | null;
  hints?: HeadHints | undefined;
}): number {
  const unannouncedMs = loopback ? LOOPBACK_MS : within((blockTimeMs ?? PRESUMED_BLOCK_MS) / 4);
  if (blockTimeMs === null || hints === undefined) return unannouncedMs;
  const isAnnounced = hints.heardWithin(Math.min(OVERDUE_BLOCKS * blockTimeMs, LONGEST_OVERDUE_MS));
  return isAnnounced ? Math.max(unannouncedMs, within(blockTimeMs)) : unannouncedMs;
}

const within = (ms: number): number => Math.min(Math.max(ms, SHORTEST_MS), LONGEST_MS);
