import type { RequestKey } from "../core/request.ts";

/** @param returned What the job's worker returned; undefined when the job failed. */
type Listener = (key: RequestKey, returned: unknown) => void;

/**
 * Tells the node's end of a queue how jobs ended that a worker in the same process ran.
 *
 * Between processes BullMQ's events do that: rows that are written, announced, read and cut again, for every step of every
 * job. Both are hints only; what nobody heard is found by the node's sweep.
 */
export class JobEndings {
  readonly #listeners = new Map<string, Set<Listener>>();

  /** @returns Ends it. */
  listen(queue: string, listener: Listener): () => void {
    const listeners = this.#listeners.get(queue) ?? new Set();
    this.#listeners.set(queue, listeners.add(listener));
    return () => listeners.delete(listener);
  }

  tell(queue: string, key: RequestKey, returned: unknown): void {
    for (const listener of this.#listeners.get(queue) ?? []) listener(key, returned);
  }
}
