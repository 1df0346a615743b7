import type { Queue, QueueEvents } from "bullmq";
import type { RequestKey } from "../core/request.ts";
import type { Log } from "../observe/port.ts";
import { type Bullmq, type BullmqOptions, connectBullmq } from "./bullmqBackend.ts";
import { parseFailure } from "./jobFailure.ts";
import { parseOutcome } from "./jobPayload.ts";
import { OutcomeCollector } from "./outcomeCollector.ts";
import type { InferenceJob, JobOutcome, JobQueue, QueueCounts } from "./port.ts";
import { queueError } from "./queueError.ts";

/** Times that a job runs, at most, when its worker asks for another try. */
const ATTEMPTS = 4;
/** Before the second try; doubled for each further one. */
const RETRY_DELAY_MS = 1_000;
/** Events can be missed; a job that ended is found this long after it did, at the latest. */
const SWEEP_MS = 2_000;

export interface BullmqQueueOptions extends BullmqOptions {
  /** Times that a job runs, at most. */
  attempts?: number;
  /** Milliseconds before the second try; doubled for each further one. */
  retryDelayMs?: number;
}

/**
 * The node's end of a BullMQ queue, on Redis or on Postgres.
 *
 * @throws CoprocessorError `queue/bad-url`, `queue/auth-failed`, `queue/eviction-policy`, `queue/unavailable`; methods
 * throw the last and `queue/no-space`. While Redis is down they wait for it.
 */
export async function createBullmqQueue(options: BullmqQueueOptions): Promise<JobQueue> {
  return new BullmqQueue(await connectBullmq(options), options);
}

class BullmqQueue implements JobQueue {
  readonly #bullmq: Bullmq;
  readonly #queue: Queue;
  readonly #log: Log;
  readonly #attempts: number;
  readonly #retryDelayMs: number;
  /** Jobs that run, and whose outcome nobody wants any more: a running job cannot be taken from its worker. */
  readonly #unwanted = new Set<RequestKey>();
  #events: QueueEvents | null = null;
  #collector: OutcomeCollector | null = null;

  constructor(bullmq: Bullmq, options: BullmqQueueOptions) {
    this.#bullmq = bullmq;
    this.#queue = bullmq.queue();
    this.#log = options.log;
    this.#attempts = options.attempts ?? ATTEMPTS;
    this.#retryDelayMs = options.retryDelayMs ?? RETRY_DELAY_MS;
  }

  add(job: InferenceJob, priority = 0): Promise<void> {
    return this.#named("add", async () => {
      this.#unwanted.delete(job.key);
      await this.#queue.add("infer", job, {
        jobId: job.key,
        priority,
        attempts: this.#attempts,
        backoff: { type: "exponential", delay: this.#retryDelayMs, jitter: 0.2 },
        // Both wait for `remove`: an outcome is dropped when it is stored, and not before.
        removeOnComplete: false,
        removeOnFail: false,
        stackTraceLimit: 1,
      });
    });
  }

  onOutcome(handler: (key: RequestKey, outcome: JobOutcome) => Promise<void>): void {
    if (this.#collector !== null) throw new Error("outcomes have a handler already");
    const tell = async (key: RequestKey, outcome: JobOutcome) => {
      if (this.#unwanted.has(key)) await this.remove(key);
      else await handler(key, outcome);
    };
    const source = { finished: () => this.#finished(), outcome: (key: RequestKey) => this.#outcome(key) };
    const collector = new OutcomeCollector(source, tell, { sweepMs: SWEEP_MS, log: this.#log });
    const events = this.#bullmq.events();
    events.on("completed", ({ jobId }) => collector.offer(jobId));
    events.on("failed", ({ jobId }) => collector.offer(jobId));
    this.#collector = collector;
    this.#events = events;
  }

  remove(key: RequestKey): Promise<void> {
    return this.#named("remove", async () => {
      // Twice, because a job may end between the attempt and the look at it.
      for (let attempt = 0; attempt < 2; attempt++) {
        if ((await this.#queue.remove(key)) === 1) break;
        const state = await this.#queue.getJobState(key);
        if (state === "unknown") break;
        if (state === "active") {
          this.#unwanted.add(key);
          return;
        }
      }
      this.#unwanted.delete(key);
      this.#collector?.forget(key);
    });
  }

  counts(): Promise<QueueCounts> {
    return this.#named("counts", async () => {
      const counts = await this.#queue.getJobCounts("wait", "prioritized", "delayed", "active", "failed");
      const of = (state: string) => counts[state] ?? 0;
      return {
        waiting: of("wait") + of("prioritized") + of("delayed"),
        active: of("active"),
        parked: of("failed"),
      };
    });
  }

  async close(): Promise<void> {
    await this.#bullmq.close(async () => {
      await this.#collector?.close();
      await this.#events?.close();
      await this.#queue.close();
    });
  }

  #finished(): Promise<RequestKey[]> {
    return this.#queue.getRanges(["completed", "failed"], 0, -1);
  }

  async #outcome(key: RequestKey): Promise<JobOutcome | null> {
    const job = await this.#queue.getJob(key);
    if (job?.finishedOn === undefined) return null;
    // A job that succeeded at a later try keeps the reason why an earlier one failed.
    const hasFailed = (job.returnvalue ?? null) === null && job.failedReason !== undefined;
    return hasFailed ? parseFailure(job.failedReason) : parseOutcome(job.returnvalue);
  }

  async #named<T>(operation: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw queueError(error, operation);
    }
  }
}
