import type { JobQueue } from "../queue/port.ts";

/**
 * A queue that only the active node of an operator changes.
 *
 * The database refuses a node that was paused and is late; the queue cannot, and a job that such a node removes is one that
 * the active node waits for. So our own clock is asked first.
 *
 * @param assertHeld Throws when our lease may be another's.
 */
export function guardQueue(queue: JobQueue, assertHeld: () => void): JobQueue {
  return {
    async add(job, priority) {
      assertHeld();
      await queue.add(job, priority);
    },
    async remove(key) {
      assertHeld();
      await queue.remove(key);
    },
    onOutcome(handler) {
      queue.onOutcome(async (key, outcome) => {
        assertHeld();
        await handler(key, outcome);
      });
    },
    counts: () => queue.counts(),
    depths: () => queue.depths(),
    jobs: (limit) => queue.jobs(limit),
    close: () => queue.close(),
  };
}
