import type { Hex } from "viem";
import type { RequestKey } from "../core/request.ts";
import type { RuntimeFingerprint } from "../core/runtime.ts";

/** One request to be run. Versioned, because node and worker are upgraded apart. */
export interface InferenceJob {
  version: 1;
  key: RequestKey;
  modelId: Hex;
  manifestURI: string;
  input: Hex;
  /** Unix milliseconds after which the result is worthless. */
  deadlineMs: number;
  /** Names of workers that are parked; none when left out. */
  notBy?: string[] | undefined;
}

/** How a job ended. A failure is a result too: it says why, and whether another try could help. */
export type JobOutcome =
  | {
      status: "done";
      output: Hex;
      runtime: RuntimeFingerprint;
      loadMs: number;
      runMs: number;
      /** What the worker calls itself, new at each of its starts; workers of earlier releases have no name. */
      worker?: string | undefined;
    }
  | { status: "failed"; code: string; message: string };

export interface QueueCounts {
  waiting: number;
  active: number;
  parked: number;
}

/** How one queue is filled. */
export interface QueueDepth {
  /** Its capability. */
  queue: string;
  waiting: number;
  active: number;
  /** Before another try. */
  delayed: number;
  /** Ended without a result that was not collected yet. */
  failed: number;
  /** Milliseconds since the job that runs next was added; null when none waits. */
  headAgeMs: number | null;
}

export type QueuedJobState = "active" | "waiting" | "delayed" | "failed";

/** A job as an operator sees it. */
export interface QueuedJob {
  key: RequestKey;
  /** Its capability. */
  queue: string;
  state: QueuedJobState;
  /** Null when the payload is not one of ours. */
  modelId: string | null;
  deadlineMs: number | null;
  /** Unix milliseconds. */
  addedAt: number;
  /** Tries that have ended. */
  attempts: number;
  /** `code: message` of the last try that failed; null before one did. */
  failure: string | null;
}

/**
 * The node's end of the queue.
 *
 * Implementations: `bullmqQueue` on embedded Postgres (PGlite) or on Redis. Delivery is at least once: a job may
 * run twice, its outcome may be told twice, and the caller keeps only the first. Inputs and outputs above 32 KiB wait beside
 * a shared queue, and their jobs refer to them. Deliberately excluded: results'
 * meaning, and any knowledge of requests beyond their key.
 */
export interface JobQueue {
  /**
   * Idempotent per key: a job that waits, runs or has an uncollected outcome is not added again.
   *
   * @param priority 1 to 2^21 - 1, the lower the sooner; equal ones in the order of adding. Without one a job goes first.
   */
  add(job: InferenceJob, priority?: number): Promise<void>;
  /** Calls `handler` for every outcome, also those of jobs that ended while nobody listened. */
  onOutcome(handler: (key: RequestKey, outcome: JobOutcome) => Promise<void>): void;
  /** Drops a job and its outcome; called once the outcome is stored, or the request is closed. */
  remove(key: RequestKey): Promise<void>;
  counts(): Promise<QueueCounts>;
  /** The same by queue, and more. */
  depths(): Promise<QueueDepth[]>;
  /** At most `limit` jobs: those that run first, then those that wait. */
  jobs(limit: number): Promise<QueuedJob[]>;
  close(): Promise<void>;
}

/** A worker's end of the queue. A thrown CoprocessorError with retry `backoff` is tried again, a bounded number of times. */
export interface JobConsumer {
  run(handler: (job: InferenceJob) => Promise<JobOutcome>): Promise<void>;
  /** Stops taking jobs and waits for those that run. */
  close(): Promise<void>;
}
