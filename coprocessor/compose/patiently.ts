import { setTimeout as delay } from "node:timers/promises";
import { CoprocessorError } from "../core/errors.ts";
import type { Log } from "../observe/port.ts";

const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 3_000;
/** An endpoint that does not come back in this time is for a person to look at. */
const GIVE_UP_MS = 60_000;

/**
 * Does at the start what an endpoint in trouble may refuse: again while that can help, for a minute.
 *
 * @param what For the log: what could not be had.
 * @throws what `work` throws when another try is of no use, or the time is over.
 */
export async function patiently<T>(log: Log, what: string, work: () => Promise<T>): Promise<T> {
  const endMs = performance.now() + GIVE_UP_MS;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    try {
      return await work();
    } catch (error) {
      const mayHelp = error instanceof CoprocessorError && error.retry === "backoff";
      if (!mayHelp || performance.now() + pauseMs > endMs) throw error;
      log.warn(
        { code: error.code, pauseMs, reason: error.message },
        `${what} cannot be had yet; trying again`,
      );
      await delay(pauseMs);
    }
  }
}
