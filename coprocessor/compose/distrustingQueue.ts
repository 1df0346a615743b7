import type { RequestKey } from "../core/request.ts";
import type { WorkerTrust } from "../core/workerTrust.ts";
import type { Log } from "../observe/port.ts";
import type { JobQueue } from "../queue/port.ts";

/**
 * A queue that takes nothing from parked workers: their jobs name them, so that an honest one stops by itself, and an answer
 * of theirs is thrown away.
 *
 * @param onDiscarded The job of this key is gone, and is to be added again if it is still wanted.
 */
export function distrustQueue(
  queue: JobQueue,
  of: { trust: WorkerTrust; log: Log; onDiscarded(key: RequestKey): Promise<void> },
): JobQueue {
  const { trust, log } = of;
  return {
    add(job, priority) {
      const notBy = trust.list().map(({ worker }) => worker);
      return queue.add(notBy.length === 0 ? job : { ...job, notBy }, priority);
    },
    onOutcome(handler) {
      queue.onOutcome(async (key, outcome) => {
        if (outcome.status === "failed" || !trust.isParked(outcome.worker)) return handler(key, outcome);
        log.warn({ key, worker: outcome.worker }, "an answer of a parked worker is thrown away");
        await queue.remove(key);
        await of.onDiscarded(key);
      });
    },
    remove: (key) => queue.remove(key),
    counts: () => queue.counts(),
    depths: () => queue.depths(),
    jobs: (limit) => queue.jobs(limit),
    close: () => queue.close(),
  };
}
