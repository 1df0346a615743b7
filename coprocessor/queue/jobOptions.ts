import type { JobsOptions } from "bullmq";

/** Times that a job runs, at most, when its worker asks for another try. */
const ATTEMPTS = 4;
/** Before the second try; doubled for each further one. */
const RETRY_DELAY_MS = 1_000;

/** How BullMQ keeps a job of a node, and when it tries it again. @param priority 0 for none. */
export function jobOptions({
  priority = 0,
  attempts = ATTEMPTS,
  retryDelayMs = RETRY_DELAY_MS,
}: {
  priority?: number | undefined;
  attempts?: number | undefined;
  retryDelayMs?: number | undefined;
} = {}): JobsOptions {
  return {
    priority,
    attempts,
    backoff: { type: "exponential", delay: retryDelayMs, jitter: 0.2 },
    // Both wait for `remove`: an outcome is dropped when it is stored, and not before.
    removeOnComplete: false,
    removeOnFail: false,
    stackTraceLimit: 1,
  };
}
