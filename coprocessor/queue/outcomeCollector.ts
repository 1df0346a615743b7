import type { RequestKey } from "../core/request.ts";
import type { Log } from "../observe/port.ts";
import type { JobOutcome } from "./port.ts";

/** A handler that failed is called again after this long, doubled each time. */
const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 60_000;
/** Handlers at work at the same time. */
const LANES = 16;

export interface OutcomeSource {
  /** Keys of all jobs that have ended and were not removed. */
  finished(): Promise<RequestKey[]>;
  /**
   * How a job ended; null when it has not, or is gone.
   *
   * @param returned What an event said that its worker returned; undefined when none did.
   */
  outcome(key: RequestKey, returned: unknown): Promise<JobOutcome | null>;
}

/**
 * Tells a handler how jobs ended, each at least once.
 *
 * Events are hints that come fast; a sweep over all ended jobs, at start and every now and then, finds what they
 * missed: jobs that ended while nobody listened, and handlers that failed.
 */
export class OutcomeCollector {
  readonly #source: OutcomeSource;
  readonly #handler: (key: RequestKey, outcome: JobOutcome) => Promise<void>;
  readonly #log: Log;
  /** With what an event said, if one did. */
  readonly #pending = new Map<RequestKey, unknown>();
  readonly #running = new Map<RequestKey, Promise<void>>();
  readonly #told = new Set<RequestKey>();
  readonly #failures = new Map<RequestKey, { count: number; retryAt: number }>();
  readonly #timer: NodeJS.Timeout;
  #sweeping: Promise<void> | null = null;
  #closed = false;

  constructor(
    source: OutcomeSource,
    handler: (key: RequestKey, outcome: JobOutcome) => Promise<void>,
    options: { sweepMs: number; log: Log },
  ) {
    this.#source = source;
    this.#handler = handler;
    this.#log = options.log;
    this.#timer = setInterval(() => this.sweep(), options.sweepMs);
    this.sweep();
  }

  /** A job has ended, or may have. */
  offer(key: RequestKey, returned?: unknown): void {
    if (this.#closed || this.#told.has(key) || this.#running.has(key)) return;
    this.#pending.set(key, returned);
    this.#pump();
  }

  /** The job was removed, or added anew: whatever was known about it is over. */
  forget(key: RequestKey): void {
    this.#told.delete(key);
    this.#pending.delete(key);
    this.#failures.delete(key);
  }

  sweep(): void {
    if (this.#closed || this.#sweeping !== null) return;
    this.#sweeping = this.#sweepOnce()
      .catch((error: unknown) =>
        this.#log.warn({ error: String(error) }, "cannot look for ended jobs; trying again"),
      )
      .finally(() => {
        this.#sweeping = null;
      });
  }

  /** Waits for handlers at work, and starts no more. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    await this.#sweeping;
    await Promise.all(this.#running.values());
  }

  async #sweepOnce(): Promise<void> {
    const toldBefore = [...this.#told];
    const finished = new Set(await this.#source.finished());
    for (const key of toldBefore) if (!finished.has(key)) this.forget(key);
    const now = Date.now();
    for (const key of finished) if ((this.#failures.get(key)?.retryAt ?? 0) <= now) this.offer(key);
  }

  #pump(): void {
    for (const [key, returned] of this.#pending) {
      if (this.#running.size >= LANES) return;
      this.#pending.delete(key);
      const work = this.#tell(key, returned).finally(() => {
        this.#running.delete(key);
        this.#pump();
      });
      this.#running.set(key, work);
    }
  }

  async #tell(key: RequestKey, returned: unknown): Promise<void> {
    try {
      const outcome = await this.#source.outcome(key, returned);
      if (outcome === null || this.#closed) return;
      // Before the handler, which may remove the job, and with it this mark.
      this.#told.add(key);
      await this.#handler(key, outcome);
      this.#failures.delete(key);
    } catch (error) {
      this.#told.delete(key);
      const count = (this.#failures.get(key)?.count ?? 0) + 1;
      const retryMs = Math.min(FIRST_RETRY_MS * 2 ** (count - 1), LAST_RETRY_MS);
      this.#failures.set(key, { count, retryAt: Date.now() + retryMs });
      this.#log.warn(
        { key, error: String(error), retryMs },
        "a job's outcome could not be handled; trying again",
      );
    }
  }
}
