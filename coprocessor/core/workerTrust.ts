/** A worker whose answers are not taken any more. */
export interface ParkedWorker {
  worker: string;
  reason: string;
  /** Unix milliseconds. */
  since: number;
}

/** As many as are remembered; the longest parked go first. */
const MAX_PARKED = 1_000;

/**
 * Which workers gave an answer that the node itself came to differently.
 *
 * A worker's name is what it says of itself, new at every start: whoever looked into it starts it again, and it is believed
 * again. Against one that lies about its name only a new secret helps.
 */
export class WorkerTrust {
  readonly #parked = new Map<string, ParkedWorker>();

  /** False for one that is parked already. */
  park(worker: string, reason: string, now: number): boolean {
    if (this.#parked.has(worker)) return false;
    this.#parked.set(worker, { worker, reason, since: now });
    if (this.#parked.size > MAX_PARKED) this.#parked.delete(this.#parked.keys().next().value as string);
    return true;
  }

  isParked(worker: string | undefined): boolean {
    return worker !== undefined && this.#parked.has(worker);
  }

  list(): ParkedWorker[] {
    return [...this.#parked.values()];
  }
}
