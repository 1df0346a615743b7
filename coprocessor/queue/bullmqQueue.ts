import type { Queue } from "bullmq";
import { type CapabilityChoice, capabilitiesOf, capabilityOf } from "../core/capability.ts";
import { CoprocessorError } from "../core/errors.ts";
import type { RequestKey } from "../core/request.ts";
import type { Log } from "../observe/port.ts";
import { type Bullmq, type BullmqOptions, connectBullmq } from "./bullmqBackend.ts";
import { parseFailure } from "./jobFailure.ts";
import { jobOptions } from "./jobOptions.ts";
import { readJob, readOutcome, type WrittenJob } from "./jobPayload.ts";
import { isReference, putAway, shelfNames } from "./largePayload.ts";
import { OutcomeCollector } from "./outcomeCollector.ts";
import { PayloadSeal, type Sealed } from "./payloadSeal.ts";
import type { InferenceJob, JobOutcome, JobQueue, QueueCounts, QueueDepth, QueuedJob } from "./port.ts";
import { queueError } from "./queueError.ts";
import { depthsOf, jobsOf } from "./queueView.ts";

/** Events can be missed; a job that ended is found this long after it did, at the latest. */
const SWEEP_MS = 2_000;
/** Jobs that are known to be gone: a request's end removes what its outcome had removed. */
const MAX_GONE = 4_096;
/** Jobs that are remembered until they are removed, so that the event of their end is all that has to be read. */
const MAX_REMEMBERED = 1_024;

export interface BullmqQueueOptions extends BullmqOptions {
  /** Which models need which workers; left out: every worker can run every model. */
  capabilities?: CapabilityChoice;
  /** Times that a job runs, at most. */
  attempts?: number | undefined;
  /** Milliseconds before the second try; doubled for each further one. */
  retryDelayMs?: number | undefined;
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
  /** By capability, the default one first. */
  readonly #queues: ReadonlyMap<string, Queue>;
  readonly #capabilities: CapabilityChoice;
  readonly #seal: PayloadSeal;
  readonly #log: Log;
  readonly #tries: Pick<BullmqQueueOptions, "attempts" | "retryDelayMs">;
  /** Jobs that run, and whose outcome nobody wants any more: a running job cannot be taken from its worker. */
  readonly #unwanted = new Set<RequestKey>();
  /** Jobs that are known to have payloads beside the queue; those of others go when their time is over. */
  readonly #shelved = new Set<RequestKey>();
  readonly #remembered = new Map<RequestKey, InferenceJob>();
  readonly #gone = new Set<RequestKey>();
  #listening: { close(): Promise<void> }[] = [];
  #collector: OutcomeCollector | null = null;

  constructor(bullmq: Bullmq, options: BullmqQueueOptions) {
    this.#bullmq = bullmq;
    this.#capabilities = options.capabilities ?? { ofModel: {} };
    const capabilities = capabilitiesOf(this.#capabilities);
    this.#queues = new Map(capabilities.map((capability) => [capability, bullmq.queue(capability)]));
    this.#seal = new PayloadSeal(options.secret ?? null);
    this.#log = options.log;
    this.#tries = { attempts: options.attempts, retryDelayMs: options.retryDelayMs };
  }

  add(job: InferenceJob, priority = 0): Promise<void> {
    return this.#named("add", async () => {
      this.#unwanted.delete(job.key);
      this.#gone.delete(job.key);
      const queue = this.#queues.get(capabilityOf(job.modelId, this.#capabilities)) as Queue;
      if (this.#remembered.size < MAX_REMEMBERED) this.#remembered.set(job.key, job);
      await queue.add("infer", await this.#written(job), {
        jobId: job.key,
        ...jobOptions({ priority, ...this.#tries }),
      });
      // Again, as a removal may have ended meanwhile.
      this.#gone.delete(job.key);
    });
  }

  onOutcome(handler: (key: RequestKey, outcome: JobOutcome) => Promise<void>): void {
    if (this.#collector !== null) throw new Error("outcomes have a handler already");
    const tell = async (key: RequestKey, outcome: JobOutcome) => {
      // It was found, whatever we thought.
      this.#gone.delete(key);
      if (this.#unwanted.has(key)) await this.remove(key);
      else await handler(key, outcome);
    };
    const source = {
      finished: () => this.#finished(),
      outcome: (key: RequestKey, returned: unknown) => this.#outcome(key, returned),
    };
    const collector = new OutcomeCollector(source, tell, { sweepMs: SWEEP_MS, log: this.#log });
    for (const capability of this.#queues.keys()) {
      const ended = (key: string, returned: unknown) => collector.offer(key, returned);
      this.#listening.push(this.#bullmq.listen(capability, ended));
    }
    this.#collector = collector;
  }

  remove(key: RequestKey): Promise<void> {
    return this.#named("remove", async () => {
      if (this.#gone.has(key)) return;
      for (const [capability, queue] of this.#queues) {
        if (await this.#bullmq.forgetEnded?.(capability, key)) continue;
        if (await this.#isRunningAfterRemoval(queue, key)) {
          this.#unwanted.add(key);
          return;
        }
      }
      this.#unwanted.delete(key);
      this.#remembered.delete(key);
      this.#collector?.forget(key);
      if (this.#shelved.delete(key)) await this.#bullmq.shelf?.drop(shelfNames(key));
      this.#noteGone(key);
    });
  }

  counts(): Promise<QueueCounts> {
    return this.#named("counts", async () => {
      const sum = { waiting: 0, active: 0, parked: 0 };
      for (const queue of this.#queues.values()) {
        const counts = await queue.getJobCounts("wait", "prioritized", "delayed", "active", "failed");
        const of = (state: string) => counts[state] ?? 0;
        sum.waiting += of("wait") + of("prioritized") + of("delayed");
        sum.active += of("active");
        sum.parked += of("failed");
      }
      return sum;
    });
  }

  depths(): Promise<QueueDepth[]> {
    return this.#named("depths", () => depthsOf(this.#queues, Date.now()));
  }

  jobs(limit: number): Promise<QueuedJob[]> {
    return this.#named("jobs", () => jobsOf(this.#queues, limit));
  }

  async close(): Promise<void> {
    await this.#bullmq.close(async () => {
      await this.#collector?.close();
      for (const part of [...this.#listening, ...this.#queues.values()]) await part.close();
    });
  }

  async #written(job: InferenceJob): Promise<WrittenJob & Sealed> {
    const { version: _, input: __, ...sealed } = this.#seal.sealJob(job);
    const at = { at: `${job.key}/input`, deadlineMs: job.deadlineMs };
    const input = await putAway(this.#bullmq.shelf, job.input, at);
    if (!isReference(input)) return { ...sealed, version: 1, input };
    this.#shelved.add(job.key);
    return { ...sealed, version: 2, input };
  }

  #noteGone(key: RequestKey): void {
    this.#gone.add(key);
    for (const oldest of this.#gone) {
      if (this.#gone.size <= MAX_GONE) break;
      this.#gone.delete(oldest);
    }
  }

  async #isRunningAfterRemoval(queue: Queue, key: RequestKey): Promise<boolean> {
    // Twice, because a job may end between the attempt and the look at it.
    for (let attempt = 0; attempt < 2; attempt++) {
      if ((await queue.remove(key, { removeChildren: false })) === 1) return false;
      const state = await queue.getJobState(key);
      if (state === "unknown") return false;
      if (state === "active") return true;
    }
    return false;
  }

  async #finished(): Promise<RequestKey[]> {
    const ranges = [...this.#queues.values()].map((queue) => queue.getRanges(["completed", "failed"], 0, -1));
    return (await Promise.all(ranges)).flat();
  }

  async #outcome(key: RequestKey, returned: unknown): Promise<JobOutcome | null> {
    const known = this.#remembered.get(key);
    // What is large was not said by the event either, only where it is.
    if (known !== undefined && returned !== undefined)
      return this.#believed(key, async () => known, returned);
    for (const queue of this.#queues.values()) {
      const job = await queue.getJob(key);
      if (job?.finishedOn === undefined) continue;
      // A job that succeeded at a later try keeps the reason why an earlier one failed.
      const hasFailed = (job.returnvalue ?? null) === null && job.failedReason !== undefined;
      if (hasFailed) return parseFailure(job.failedReason);
      return this.#believed(key, () => this.#checkedJob(key, job.data), job.returnvalue);
    }
    return null;
  }

  /** A worker's word, once its seal is checked; a broken one is a failure with its reason. */
  async #believed(
    key: RequestKey,
    jobOf: () => Promise<InferenceJob>,
    returned: unknown,
  ): Promise<JobOutcome> {
    if (typeof (returned as { output?: unknown } | null)?.output === "object") this.#shelved.add(key);
    try {
      const outcome = await readOutcome(returned, this.#bullmq.shelf);
      if (outcome.status === "failed") return outcome;
      this.#seal.checkOutcome(await jobOf(), outcome, returned as Sealed);
      return outcome;
    } catch (error) {
      if (!(error instanceof CoprocessorError)) throw error;
      return { status: "failed", code: error.code, message: error.message };
    }
  }

  async #checkedJob(key: RequestKey, data: unknown): Promise<InferenceJob> {
    const job = await readJob(key, data, this.#bullmq.shelf);
    this.#seal.checkJob(job, data as Sealed);
    return job;
  }

  async #named<T>(operation: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw queueError(error, operation);
    }
  }
}
