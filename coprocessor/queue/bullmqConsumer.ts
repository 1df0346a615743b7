import type { Job, Worker } from "bullmq";
import { CoprocessorError } from "../core/errors.ts";
import type { Log } from "../observe/port.ts";
import { type Bullmq, type BullmqOptions, connectBullmq } from "./bullmqBackend.ts";
import { jobError } from "./jobFailure.ts";
import { parseJob } from "./jobPayload.ts";
import type { InferenceJob, JobConsumer, JobOutcome } from "./port.ts";

/**
 * A job whose worker was killed is taken by another one after at most the lock's rest, and two looks at stalled jobs:
 * 7 s. A worker renews its locks every half of the time.
 */
const LOCK_MS = 5_000;
const STALLED_CHECK_MS = 1_000;
/** Workers that may die over one job; then the job is what kills them. */
const MAX_DEATHS = 2;
/** After a failure to fetch a job. */
const FETCH_RETRY_MS = 1_000;

export interface BullmqConsumerOptions extends BullmqOptions {
  /** Jobs that run at the same time. */
  concurrency: number;
}

/** A worker's end of a BullMQ queue; throws as `createBullmqQueue` does. */
export async function createBullmqConsumer(options: BullmqConsumerOptions): Promise<JobConsumer> {
  return new BullmqConsumer(await connectBullmq(options), options);
}

class BullmqConsumer implements JobConsumer {
  readonly #bullmq: Bullmq;
  readonly #concurrency: number;
  readonly #log: Log;
  #worker: Worker | null = null;

  constructor(bullmq: Bullmq, options: BullmqConsumerOptions) {
    this.#bullmq = bullmq;
    this.#concurrency = options.concurrency;
    this.#log = options.log;
  }

  async run(handler: (job: InferenceJob) => Promise<JobOutcome>): Promise<void> {
    if (this.#worker !== null) throw new Error("this consumer runs already");
    this.#worker = this.#bullmq.worker((job) => this.#process(job, handler), {
      concurrency: this.#concurrency,
      lockDuration: LOCK_MS,
      stalledInterval: STALLED_CHECK_MS,
      maxStalledCount: MAX_DEATHS,
      runRetryDelay: FETCH_RETRY_MS,
    });
    this.#worker.on("stalled", (key) =>
      this.#log.warn({ key }, "a job's worker died; the job is given to another"),
    );
    await this.#worker.waitUntilReady();
  }

  async close(): Promise<void> {
    // Without a server, running jobs cannot be reported; their locks run out by themselves.
    await this.#bullmq.close(async () => this.#worker?.close());
  }

  async #process(job: Job, handler: (job: InferenceJob) => Promise<JobOutcome>): Promise<JobOutcome> {
    const key = job.id ?? "";
    try {
      const payload = parseJob(key, job.data);
      refuseLate(payload);
      const outcome = await handler(payload);
      if (outcome.status === "done") return outcome;
      throw new CoprocessorError(outcome.message, { code: outcome.code, retry: "never" });
    } catch (error) {
      const failure = jobError(error);
      this.#log.warn({ key, attempt: job.attemptsMade + 1, reason: failure.message }, "job failed");
      throw failure;
    }
  }
}

function refuseLate({ key, deadlineMs }: InferenceJob): void {
  const lateMs = Date.now() - deadlineMs;
  if (lateMs < 0) return;
  throw new CoprocessorError(`its deadline passed ${lateMs} ms before a worker took it`, {
    code: "queue/deadline-passed",
    retry: "never",
    meta: { key, deadlineMs },
  });
}
