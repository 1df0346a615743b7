import type { Job, Queue } from "bullmq";
import { parseFailure } from "./jobFailure.ts";
import type { QueueDepth, QueuedJob, QueuedJobState } from "./port.ts";

type Queues = ReadonlyMap<string, Queue>;

/** What BullMQ calls the states that we tell. */
const STATES: Readonly<Record<QueuedJobState, ("wait" | "prioritized" | "active" | "delayed" | "failed")[]>> =
  {
    active: ["active"],
    waiting: ["wait", "prioritized"],
    delayed: ["delayed"],
    failed: ["failed"],
  };

/** How each queue is filled, and how long the job that runs next has waited. */
export function depthsOf(queues: Queues, now: number): Promise<QueueDepth[]> {
  return Promise.all(
    [...queues].map(async ([name, queue]) => {
      const counts = await queue.getJobCounts("wait", "prioritized", "delayed", "active", "failed");
      const of = (state: string) => counts[state] ?? 0;
      const waiting = of("wait") + of("prioritized");
      const heads = waiting === 0 ? [] : await queue.getJobs(STATES.waiting, 0, 0, true);
      const added = heads.map(({ timestamp }) => timestamp);
      return {
        queue: name,
        waiting,
        active: of("active"),
        delayed: of("delayed"),
        failed: of("failed"),
        headAgeMs: added.length === 0 ? null : Math.max(0, now - Math.min(...added)),
      };
    }),
  );
}

/** Jobs of all queues: those that run, then those that wait in their order, those before another try, those that failed. */
export async function jobsOf(queues: Queues, limit: number): Promise<QueuedJob[]> {
  const jobs: QueuedJob[] = [];
  for (const [name, queue] of queues)
    for (const [state, types] of Object.entries(STATES) as [
      QueuedJobState,
      (typeof STATES)[QueuedJobState],
    ][])
      for (const type of types) {
        const left = limit - jobs.length;
        if (left <= 0) return jobs;
        const found = await queue.getJobs([type], 0, left - 1, true);
        // One that ended between the list and the look at it is gone.
        jobs.push(...found.flatMap((job) => (job ? [told(name, state, job)] : [])));
      }
  return jobs;
}

function told(queue: string, state: QueuedJobState, job: Job): QueuedJob {
  const data = (job.data ?? {}) as { modelId?: unknown; deadlineMs?: unknown };
  const failure = job.failedReason === undefined ? null : parseFailure(job.failedReason);
  return {
    key: job.id ?? "",
    queue,
    state,
    // Another release may have written it, or somebody else: it is shown as far as it can be read.
    modelId: typeof data.modelId === "string" ? data.modelId : null,
    deadlineMs: typeof data.deadlineMs === "number" ? data.deadlineMs : null,
    addedAt: job.timestamp,
    attempts: job.attemptsMade,
    failure: failure === null ? null : `${failure.code}: ${failure.message}`,
  };
}
