import type { JobOutcome } from "@sibyl/coprocessor";
import type { Hex } from "viem";

/** What one job carries there and back. */
export interface Payload {
  modelId: Hex;
  input: Hex;
  outcome: Extract<JobOutcome, { status: "done" }>;
}

/** Where a bench puts jobs, and hears of their ends. */
export interface JobFeed {
  add(key: string, payload: Payload): Promise<void>;
  /** @param done Called with a job's key once its answer is taken and the queue has forgotten it. */
  onDone(done: (key: string) => void): void;
  close(): Promise<void>;
}

export interface FeedLoad {
  payload: Payload;
  /** Jobs that are on their way at any time. */
  inFlight: number;
  /** Jobs of each feed before anything is measured, one kind after the other, or as many as it does in 15 s. */
  warmUp: readonly { payload: Payload; jobs: number }[];
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
  { payload, inFlight, warmUp, forMs }: FeedLoad,
): Promise<number[]> {
  const runs = feeds.map((feed) => new Run(feed, inFlight));
  for (const run of runs) {
    for (const { payload, jobs } of warmUp)
      await run.keepBusy(payload, { untilMs: performance.now() + WARM_UP_MS, atMost: jobs });
  }
  const turnMs = runs.length === 1 ? forMs : TURN_MS;
  const turns = Math.ceil(forMs / turnMs);
  for (let turn = 0; turn < turns; turn += 1)
    for (const run of turn % 2 === 0 ? runs : runs.toReversed()) await run.measure(payload, turnMs);
  return runs.map(({ counted }) => (counted * 1_000) / (turns * turnMs));
}

class Run {
  /** Jobs that were on their way while it was measured, each by the share of its time that was. */
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

  /** A slow model ends a dozen jobs in a turn: counted whole, those at its edges would be most of the difference. */
  async measure(payload: Payload, forMs: number): Promise<void> {
    const startMs = performance.now() + RAMP_MS;
    const endMs = startMs + forMs;
    await this.keepBusy(payload, {
      untilMs: endMs,
      onDone: (fromMs, toMs) => {
        const withinMs = Math.min(toMs, endMs) - Math.max(fromMs, startMs);
        if (withinMs > 0) this.counted += withinMs / (toMs - fromMs);
      },
    });
  }

  /** Keeps jobs on their way, and waits for the last ones. */
  async keepBusy(
    payload: Payload,
    {
      untilMs,
      atMost = Number.POSITIVE_INFINITY,
      onDone = () => {},
    }: { untilMs: number; atMost?: number; onDone?: (fromMs: number, toMs: number) => void },
  ): Promise<void> {
    const last = this.#added + atMost;
    const lane = async () => {
      while (performance.now() < untilMs && this.#added < last) {
        this.#added += 1;
        const key = `31337-0x${"0".repeat(40)}-0x${this.#added.toString(16).padStart(64, "0")}`;
        const ended = new Promise<void>((resolve) => this.#waiting.set(key, resolve));
        const fromMs = performance.now();
        await this.#feed.add(key, payload);
        await ended;
        onDone(fromMs, performance.now());
      }
    };
    await Promise.all(Array.from({ length: this.#inFlight }, lane));
  }
}
