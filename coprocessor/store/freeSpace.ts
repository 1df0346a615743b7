import { statfsSync } from "node:fs";
import { CoprocessorError } from "../core/errors.ts";

/** Refuses writes when a disk is nearly full. */
export interface SpaceGuard {
  /** @throws CoprocessorError `store/no-space`. */
  check(): void;
}

/** How old an answer of the system may be: a query takes longer to write what the reserve holds. */
const FRESH_MS = 500;

/**
 * Keeps `reserveBytes` free on the disk of `directory`.
 *
 * A statement that finds no room fails cleanly, but a commit that finds none freezes an embedded database. So writes
 * stop while the log still has room for those under way.
 */
export function guardSpace(directory: string, reserveBytes: number): SpaceGuard {
  let checkedAt = 0;
  let freeBytes = Number.POSITIVE_INFINITY;
  return {
    check() {
      const now = performance.now();
      if (now - checkedAt > FRESH_MS) {
        const { bavail, bsize } = statfsSync(directory);
        freeBytes = bavail * bsize;
        checkedAt = now;
      }
      if (freeBytes >= reserveBytes) return;
      throw new CoprocessorError(
        `${directory} has ${freeBytes} bytes free; writing stops below ${reserveBytes}`,
        {
          code: "store/no-space",
          retry: "backoff",
          meta: { directory, freeBytes, reserveBytes },
        },
      );
    },
  };
}
