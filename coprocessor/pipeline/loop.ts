import type { Log } from "../observe/port.ts";

/** A task that runs again and again, never twice at once. */
export interface Loop {
  /** Runs it now, or once more when it runs already; not before it has rested. */
  poke(): void;
  /** Waits for a run under way; starts none any more. */
  stop(): Promise<void>;
}

/** Milliseconds until a task that failed is run again. */
const RETRY_MS = 1_000;

/**
 * Runs `task` when poked, and at the time that its last run asked for (Unix milliseconds). A failure is logged and
 * does not end the loop.
 *
 * @param restMs Least milliseconds from one run's beginning to the next, however often it is poked: what comes
 * meanwhile is then done in one run. None when not given.
 */
export function startLoop(
  name: string,
  log: Log,
  now: () => number,
  task: () => Promise<number>,
  restMs = 0,
): Loop {
  let running: Promise<void> | null = null;
  let timer: NodeJS.Timeout | undefined;
  let again = false;
  let stopped = false;
  let beganAt = Number.NEGATIVE_INFINITY;

  /** A clock that was set back makes nobody wait longer. */
  const restLeft = () => Math.min(restMs, Math.max(0, beganAt + restMs - now()));

  async function attempt(): Promise<number> {
    try {
      return await task();
    } catch (error) {
      log.error({ err: error, loop: name }, "a round failed; trying again");
      return now() + RETRY_MS;
    }
  }

  async function run(): Promise<void> {
    clearTimeout(timer);
    again = false;
    beganAt = now();
    const next = await attempt();
    running = null;
    if (stopped) return;
    if (again) startRested();
    else timer = setTimeout(start, Math.max(0, next - now()));
  }

  function start(): void {
    if (!stopped && running === null) running = run();
  }

  function startRested(): void {
    const left = restLeft();
    clearTimeout(timer);
    if (left === 0) start();
    else timer = setTimeout(start, left);
  }

  function poke(): void {
    if (running !== null) again = true;
    else if (!stopped) startRested();
  }

  start();
  return {
    poke,
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}
