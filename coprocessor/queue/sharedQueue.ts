import type { OracleScope } from "../core/messages.ts";
import type { RequestKey } from "../core/request.ts";
import type { JobOutcome, JobQueue } from "./port.ts";

type Handler = (key: RequestKey, outcome: JobOutcome) => Promise<void>;

/** One queue, and with it one fleet of workers, for several oracles. */
export interface SharedQueue {
  /**
   * An oracle's own end: it is told the outcomes of its own jobs. Figures and lists are of all: the same workers run them, in
   * one order. Once it is closed its outcomes stay in the queue; the queue itself stays open.
   */
  of(scope: OracleScope): JobQueue;
}

/**
 * Shares a queue between the oracles that a node serves.
 *
 * Most jobs' keys name their oracle. Others belong to whoever added them; one that an earlier process added is offered to
 * all, and who does not know it makes nothing of it. The outcomes for an oracle that does not run wait in the queue.
 */
export function shareQueue(queue: JobQueue): SharedQueue {
  const handlers = new Map<string, Handler>();
  const addedBy = new Map<RequestKey, string>();
  let listening = false;

  async function tell(key: RequestKey, outcome: JobOutcome): Promise<void> {
    const name = nameIn(key) ?? addedBy.get(key);
    const receivers = name === undefined ? [...handlers.values()] : [handlers.get(name)];
    for (const handler of receivers) {
      if (handler === undefined) throw new Error(`${key} is a job of an oracle that does not run now`);
      await handler(key, outcome);
    }
  }

  return {
    of(scope) {
      const name = `${scope.chainId}-${scope.oracle}`.toLowerCase();
      return {
        async add(job, priority) {
          if (nameIn(job.key) === null) addedBy.set(job.key, name);
          await queue.add(job, priority);
        },
        onOutcome(handler) {
          handlers.set(name, handler);
          if (!listening) queue.onOutcome(tell);
          listening = true;
        },
        async remove(key) {
          await queue.remove(key);
          addedBy.delete(key);
        },
        counts: () => queue.counts(),
        depths: () => queue.depths(),
        jobs: (limit) => queue.jobs(limit),
        close: async () => void handlers.delete(name),
      };
    },
  };
}

/** `chainId-oracle` in a key that names them; null in one that does not. */
const nameIn = (key: RequestKey): string | null => /\d+-0x[0-9a-f]{40}(?=-|$)/.exec(key)?.[0] ?? null;
