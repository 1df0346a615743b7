import type { RequestKey } from "../core/request.ts";
import type { WorkerTrust } from "../core/workerTrust.ts";
import { type BullmqQueueOptions, createBullmqQueue } from "../queue/bullmqQueue.ts";
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
export async function openNodeQueue(
  options: BullmqQueueOptions,
  of: {
    lease: StoreLease | null;
    trust: WorkerTrust | null;
    onDiscarded(key: RequestKey): Promise<void>;
  },
): Promise<JobQueue> {
  const { lease, trust, onDiscarded } = of;
  const bullmq = await createBullmqQueue(options);
  const guarded = lease === null ? bullmq : guardQueue(bullmq, () => lease.assertHeld());
  return trust === null ? guarded : distrustQueue(guarded, { trust, log: options.log, onDiscarded });
}
