/** Where a bench puts jobs, and hears of their ends. */
export interface JobFeed {
  add(key: string): Promise<void>;
  /** @param done Called with a job's key once its answer is taken and the queue has forgotten it. */
  onDone(done: (key: string) => void): void;
  close(): Promise<void>;
}

export interface FeedLoad {
  /** Jobs that are on their way at any time. */
  inFlight: number;
  /** Jobs of each feed before anything is measured, or as many as it does in 15 s. */
  warmUpJobs: number;
  /** Milliseconds that each feed is measured for. */
  forMs: number;
}

/** What a fleet does in the time in which a runtime is still compiling says nothing about a fleet that runs for days. */
const WARM_UP_MS = 15_000;
/** Several feeds take turns, so that what else the machine does counts for all of them. */
const TURN_MS = 1_000;
/** From a turn's start until jobs come back evenly. */
const RAMP_MS = 300;

/** @returns Jobs per second of each feed. */
export async function measureFeeds(
  feeds: readonly JobFeed[],
  { inFlight, warmUpJobs, forMs }: FeedLoad,
): Promise<number[]> {
  const runs = feeds.map((feed) => new Run(feed, inFlight));
  for (const run of runs) await run.keepBusy({ untilMs: performance.now() + WARM_UP_MS, atMost: warmUpJobs });
  const turnMs = runs.length === 1 ? forMs : TURN_MS;
  const turns = Math.ceil(forMs / turnMs);
  for (let turn = 0; turn < turns; turn += 1)
    for (const run of turn % 2 === 0 ? runs : runs.toReversed()) await run.measure(turnMs);
  return runs.map(({ counted }) => (counted * 1_000) / (turns * turnMs));
}

class Run {
  /** Jobs that ended while it was measured. */
  counted = 0;
  readonly #feed: JobFeed;
  readonly #inFlight: number;
  readonly #waiting = new Map<string, () => void>();
  #added = 0;

  constructor(feed: JobFeed, inFlight: number) {
    this.#feed = feed;
    this.#inFlight = inFlight;
    feed.onDone((key) => {
      this.#waiting.get(key)?.();
      this.#waiting.delete(key);
    });
  }

  async measure(forMs: number): Promise<void> {
    const startMs = performance.now() + RAMP_MS;
    const endMs = startMs + forMs;
    await this.keepBusy({
      untilMs: endMs,
      onDone: (now) => {
        if (now >= startMs && now <= endMs) this.counted += 1;
      },
    });
  }

  /** Keeps jobs on their way, and waits for the last ones. */
  async keepBusy({
    untilMs,
    atMost = Number.POSITIVE_INFINITY,
    onDone = () => {},
  }: {
    untilMs: number;
    atMost?: number;
    onDone?: (now: number) => void;
  }): Promise<void> {
    const last = this.#added + atMost;
    const lane = async () => {
      while (performance.now() < untilMs && this.#added < last) {
        this.#added += 1;
        const key = `31337-0x${"0".repeat(40)}-0x${this.#added.toString(16).padStart(64, "0")}`;
        const ended = new Promise<void>((resolve) => this.#waiting.set(key, resolve));
        await this.#feed.add(key);
        await ended;
        onDone(performance.now());
      }
    };
    await Promise.all(Array.from({ length: this.#inFlight }, lane));
  }
}
