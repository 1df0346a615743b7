/** A job that was taken and has not ended. */
export interface TakenJob {
  key: string;
  /** Place in the queue, the lower the sooner; see `queuePriority`. */
  priority: number;
  /** Milliseconds that it keeps one lane busy. */
  workMs: number;
  /** When it must have run at the latest, Unix milliseconds; agreement and settlement come after. */
  latestEndAt: number;
}

/** What the workers can do. */
export interface Capacity {
  /** Jobs that run at the same time. */
  lanes: number;
  /** Jobs that workers hold; nothing overtakes those. */
  held: number;
  /** Most jobs that may be taken and not ended. */
  maxJobs: number;
}

/**
 * `take` with the time at which it should have run; `insertAt` is its place among the taken ones.
 * `decline` for now, with a code and a reason for people. `retryAt` (Unix milliseconds) is when asking again may end
 * otherwise; null when only a lower estimate could change it.
 */
export type Admission =
  | { type: "take"; endAt: number; insertAt: number }
  | { type: "decline"; code: AdmissionCode; reason: string; retryAt: number | null };

export type AdmissionCode =
  | "admission/queue-full"
  | "admission/deadline-too-close"
  | "admission/backlog-too-long"
  | "admission/would-delay-others";

/** Milliseconds after which a job that found no place asks again at the earliest. */
const LEAST_RETRY_MS = 250;
/** A job asks again after this part of the time until it would have to start: ever more often, and few times in all. */
const RETRY_PART = 0.25;

/**
 * Decides whether a job is taken on top of those that were.
 *
 * A prediction: jobs run in the queue's order on all lanes, each for the time that it is counted with, counted anew from
 * now on. A job is taken only if it ends in time then, and makes no job late that would have been in time. So whatever
 * comes later, a taken job is not overtaken past its deadline.
 *
 * @param taken In the order in which they are expected to run.
 * @param now Unix milliseconds
 */
export function decideAdmission(
  job: TakenJob,
  taken: readonly TakenJob[],
  { lanes, held, maxJobs }: Capacity,
  now: number,
): Admission {
  const decline = (code: AdmissionCode, reason: string, retryAt: number | null): Admission => ({
    type: "decline",
    code,
    reason,
    retryAt,
  });
  const leftMs = job.latestEndAt - now;
  if (job.workMs > leftMs) {
    return decline(
      "admission/deadline-too-close",
      `one run takes about ${ms(job.workMs)}, and ${ms(Math.max(0, leftMs))} are left for it`,
      null,
    );
  }
  const retryAt = now + Math.max(LEAST_RETRY_MS, RETRY_PART * (leftMs - job.workMs));
  if (taken.length >= maxJobs)
    return decline(
      "admission/queue-full",
      `${taken.length} jobs are queued, the most is ${maxJobs}`,
      retryAt,
    );

  const before = predictEnds(taken, lanes, now);
  const insertAt = placeOf(job, taken, held);
  const order = [...taken.slice(0, insertAt), job, ...taken.slice(insertAt)];
  const after = predictEnds(order, lanes, now);
  const endAt = after[insertAt] as number;
  if (endAt > job.latestEndAt) {
    const reason = `${insertAt} jobs run before it; it would end ${ms(endAt - job.latestEndAt)} too late`;
    return decline("admission/backlog-too-long", reason, retryAt);
  }
  const delayed = taken.findIndex((other, place) => {
    if (place < insertAt) return false;
    const inTimeBefore = (before[place] as number) <= other.latestEndAt;
    return inTimeBefore && (after[place + 1] as number) > other.latestEndAt;
  });
  if (delayed !== -1) {
    const reason = `it would make a job late that was taken before: ${taken[delayed]?.key}`;
    return decline("admission/would-delay-others", reason, retryAt);
  }
  return { type: "take", endAt, insertAt };
}

/** Behind those that workers may hold already, then by priority, then in order of taking. */
export function placeOf(job: Pick<TakenJob, "priority">, taken: readonly TakenJob[], held: number): number {
  for (let place = Math.min(held, taken.length); place < taken.length; place++)
    if ((taken[place] as TakenJob).priority > job.priority) return place;
  return taken.length;
}

/** When each of the jobs ends if they run in this order, each on the lane that is free first; Unix milliseconds. */
function predictEnds(jobs: readonly TakenJob[], lanes: number, now: number): number[] {
  const freeAt = new Array<number>(lanes).fill(now);
  return jobs.map(({ workMs }) => {
    let lane = 0;
    for (let other = 1; other < lanes; other++)
      if ((freeAt[other] as number) < (freeAt[lane] as number)) lane = other;
    const end = (freeAt[lane] as number) + workMs;
    freeAt[lane] = end;
    return end;
  });
}

const ms = (value: number): string => `${Math.ceil(value)} ms`;
