import { type Job, WaitingError, type Worker } from "bullmq";
import type { Hex } from "viem";
import { DEFAULT_CAPABILITY } from "../core/capability.ts";
import { CoprocessorError } from "../core/errors.ts";
import type { Log } from "../observe/port.ts";
import { type Bullmq, type BullmqOptions, connectBullmq } from "./bullmqBackend.ts";
import { jobError } from "./jobFailure.ts";
import { readJob } from "./jobPayload.ts";
import { putAway } from "./largePayload.ts";
import { PayloadSeal } from "./payloadSeal.ts";
import type { InferenceJob, JobConsumer, JobOutcome } from "./port.ts";

/**
 * A job whose worker was killed is taken by another one after at most the lock's rest, and two looks at stalled jobs:
 * 7 s. A worker renews its locks every half of the time.
 */
const LOCK_MS = 5_000;
const STALLED_CHECK_MS = 1_000;
/** Workers that may die over one job; then the job is what kills them. */
const MAX_DEATHS = 2;
/** Milliseconds of a run, and the newest one's weight in their mean: below, jobs are not worth being shared out. */
const SHORT_RUN_MS = 2;
const NEWEST = 0.1;
/** After a failure to fetch a job. */
const FETCH_RETRY_MS = 1_000;

export interface BullmqConsumerOptions extends BullmqOptions {
  /** Jobs that run at the same time: of each capability that this worker has, or of the default one. */
  concurrency: number | Readonly<Record<string, number>>;
  /** What this worker calls itself, new at each start; its answers carry it. */
  name?: string;
}

/** A worker's end of a BullMQ queue; throws as `createBullmqQueue` does. */
export async function createBullmqConsumer(options: BullmqConsumerOptions): Promise<JobConsumer> {
  return new BullmqConsumer(await connectBullmq(options), options);
}

class BullmqConsumer implements JobConsumer {
  readonly #bullmq: Bullmq;
  readonly #concurrency: Readonly<Record<string, number>>;
  readonly #seal: PayloadSeal;
  readonly #log: Log;
  readonly #name: string | undefined;
  readonly #workers: Worker[] = [];
  #meanRunMs = Number.POSITIVE_INFINITY;
  #parked = false;
  #closing = false;

  constructor(bullmq: Bullmq, options: BullmqConsumerOptions) {
    this.#bullmq = bullmq;
    const { concurrency } = options;
    this.#concurrency = typeof concurrency === "number" ? { [DEFAULT_CAPABILITY]: concurrency } : concurrency;
    this.#seal = new PayloadSeal(options.secret ?? null);
    this.#log = options.log;
    this.#name = options.name;
  }

  async run(handler: (job: InferenceJob) => Promise<JobOutcome>): Promise<void> {
    if (this.#workers.length > 0) throw new Error("this consumer runs already");
    for (const [capability, concurrency] of Object.entries(this.#concurrency)) {
      const worker = this.#bullmq.worker(capability, (job, token) => this.#process(job, token, handler), {
        concurrency,
        lockDuration: LOCK_MS,
        stalledInterval: STALLED_CHECK_MS,
        maxStalledCount: MAX_DEATHS,
        runRetryDelay: FETCH_RETRY_MS,
        areShort: () => this.#meanRunMs < SHORT_RUN_MS,
      });
      worker.on("stalled", (key) =>
        this.#log.warn({ key, capability }, "a job's worker died; the job is given to another"),
      );
      this.#workers.push(worker);
    }
    await Promise.all(this.#workers.map((worker) => worker.waitUntilReady()));
  }

  async close(): Promise<void> {
    this.#closing = true;
    // Without a server, running jobs cannot be reported; their locks run out by themselves.
    await this.#bullmq.close(async () => {
      await Promise.all(this.#workers.map((worker) => worker.close()));
    });
  }

  async #process(
    job: Job,
    token: string | undefined,
    handler: (job: InferenceJob) => Promise<JobOutcome>,
  ): Promise<JobOutcome> {
    const key = job.id ?? "";
    if (this.#closing || this.#isNotForUs(job.data)) {
      // It was on its way to us when closing, or parking, began: another worker's now.
      await job.moveToWait(token);
      throw new WaitingError();
    }
    const { shelf } = this.#bullmq;
    try {
      const payload = await readJob(key, job.data, shelf);
      this.#seal.checkJob(payload, job.data);
      refuseLate(payload);
      const outcome = await handler(payload);
      if (outcome.status === "done") {
        this.#learn(outcome.runMs / outcome.runtime.batch);
        const named = this.#name === undefined ? outcome : { ...outcome, worker: this.#name };
        const sealed = this.#seal.sealOutcome(payload, named);
        const at = { at: `${key}/output`, deadlineMs: payload.deadlineMs };
        // What the queue carries differs from an outcome in where its output is.
        return { ...sealed, output: (await putAway(shelf, outcome.output, at)) as Hex };
      }
      throw new CoprocessorError(outcome.message, { code: outcome.code, retry: "never" });
    } catch (error) {
      const failure = jobError(error);
      this.#log.warn({ key, attempt: job.attemptsMade + 1, reason: failure.message }, "job failed");
      throw failure;
    }
  }

  #learn(runMs: number): void {
    const known = this.#meanRunMs;
    this.#meanRunMs = Number.isFinite(known) ? known + NEWEST * (runMs - known) : runMs;
  }

  /** A worker that the node has parked takes nothing any more, and says so. */
  #isNotForUs(data: unknown): boolean {
    const { notBy } = (data ?? {}) as { notBy?: unknown };
    if (this.#name === undefined || !Array.isArray(notBy) || !notBy.includes(this.#name)) return this.#parked;
    if (!this.#parked) {
      this.#parked = true;
      this.#log.error(
        { code: "worker/parked", worker: this.#name },
        "the node found this worker's answers wrong and parked it: look at this machine and its models, then start it again",
      );
      for (const worker of this.#workers) void worker.pause(true);
    }
    return true;
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
