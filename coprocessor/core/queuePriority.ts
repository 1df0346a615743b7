/** Seconds of deadline that share a place in the queue, so that among them the fee decides. */
const BUCKET_SECONDS = 4;
const FEE_LEVELS = 4;
/** The queue takes priorities from 1, the most urgent. */
export const LAST_PRIORITY = 2 ** 21 - 1;
const BUCKETS = Math.floor(LAST_PRIORITY / FEE_LEVELS);

/**
 * A job's place in the queue: the earliest deadline first, and of about equal ones the best paid.
 *
 * A number that means the same to every process that ever filled the queue, so it follows from the deadline alone and starts
 * anew every 24 days. Jobs on both sides of that moment run in the wrong order; admission predicts with the same numbers,
 * so it takes no job that this would make late.
 *
 * @param deadline Unix seconds
 * @param feeRatio What the job pays over the operator's floor; 1 when there is none.
 * @returns 1 to `LAST_PRIORITY`, the lower the sooner.
 */
export function queuePriority(deadline: number, feeRatio: number): number {
  const bucket = Math.floor(deadline / BUCKET_SECONDS) % BUCKETS;
  return bucket * FEE_LEVELS + feeLevel(feeRatio) + 1;
}

/** 0 from eight times the floor, then 1 from four times and 2 from twice. */
function feeLevel(ratio: number): number {
  if (ratio >= 8) return 0;
  if (ratio >= 4) return 1;
  return ratio >= 2 ? 2 : 3;
}
