import { setTimeout as delay } from "node:timers/promises";

export interface UntilOptions {
  timeoutMs: number;
  /** Milliseconds between two looks; 100 when not given. */
  everyMs?: number;
  /** Ends the wait early with what it returns. */
  failure?: () => Error | null;
}

/**
 * Looks again and again until there is something to see.
 *
 * @param what What is waited for, for the error.
 * @param look Returns null or undefined while there is nothing; what it throws counts as nothing, and is told at the end.
 * @throws Error when the time is over.
 */
export async function until<T>(
  what: string,
  look: () => Promise<T | null | undefined> | T | null | undefined,
  options: UntilOptions,
): Promise<T> {
  const deadline = Date.now() + options.timeoutMs;
  let last: unknown;
  for (;;) {
    try {
      const seen = await look();
      if (seen !== null && seen !== undefined) return seen;
      last = undefined;
    } catch (error) {
      last = error;
    }
    const failure = options.failure?.() ?? null;
    if (failure !== null) throw failure;
    if (Date.now() >= deadline) {
      const reason = last instanceof Error ? `: ${last.message}` : "";
      throw new Error(`waited ${options.timeoutMs} ms for ${what}${reason}`, { cause: last });
    }
    await delay(options.everyMs ?? 100);
  }
}
