import type { RequestKey } from "../core/request.ts";
import type { WorkerTrust } from "../core/workerTrust.ts";
import type { Log } from "../observe/port.ts";
import type { JobQueue } from "../queue/port.ts";
import type { StoreLease } from "../store/storeLease.ts";
import { distrustQueue } from "./distrustingQueue.ts";
import { guardQueue } from "./guardedQueue.ts";

/**
 * The node's end of the queue: changed only while the store's lease is ours, and deaf to parked workers.
 *
 * @param of.lease Null where no other node shares the store.
 * @param of.trust Null where workers are not checked.
 * @param of.onDiscarded See `distrustQueue`.
 */
export function nodeQueue(
  queue: JobQueue,
  of: {
    lease: StoreLease | null;
    trust: WorkerTrust | null;
    log: Log;
    onDiscarded(key: RequestKey): Promise<void>;
  },
): JobQueue {
  const { lease, trust, log, onDiscarded } = of;
  const guarded = lease === null ? queue : guardQueue(queue, () => lease.assertHeld());
  return trust === null ? guarded : distrustQueue(guarded, { trust, log, onDiscarded });
}
