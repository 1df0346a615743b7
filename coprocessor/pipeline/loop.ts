import type { Log } from "../observe/port.ts";

/** A task that runs again and again, never twice at once. */
export interface Loop {
  /** Runs it now, or once more if it runs already. */
  poke(): void;
  /** Waits for a run under way; starts none any more. */
  stop(): Promise<void>;
}

/** Milliseconds until a task that failed is run again. */
const RETRY_MS = 1_000;

/**
 * Runs `task` when poked, and at the time that its last run asked for (Unix milliseconds). A failure is logged and
 * does not end the loop.
 */
export function startLoop(name: string, log: Log, now: () => number, task: () => Promise<number>): Loop {
  let running: Promise<void> | null = null;
  let timer: NodeJS.Timeout | undefined;
  let again = false;
  let stopped = false;

  async function run(): Promise<void> {
    let next = now();
    do {
      again = false;
      try {
        next = await task();
      } catch (error) {
        log.error({ err: error, loop: name }, "a round failed; trying again");
        next = now() + RETRY_MS;
      }
    } while (again && !stopped);
    running = null;
    if (!stopped) timer = setTimeout(poke, Math.max(0, next - now()));
  }

  function poke(): void {
    if (stopped) return;
    clearTimeout(timer);
    if (running === null) running = run();
    else again = true;
  }

  poke();
  return {
    poke,
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}
