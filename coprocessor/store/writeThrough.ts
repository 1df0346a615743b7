import type { ReadCache } from "./readCache.ts";

/** Brings memory in line with a write. */
export interface Effect {
  /** Once it is stored. */
  stored(): void;
  /** When it failed or was rolled back: what the database holds is then unknown. */
  failed(): void;
}

/**
 * How a store reads from memory and has memory follow what it writes: at once, or when the transaction that it speaks for
 * has ended. Inside a transaction nothing is read from memory.
 */
export class WriteThrough {
  /** Collects what to do to memory at the transaction's end; null outside of one. */
  readonly #pending: Effect[] | null;

  constructor(pending: Effect[] | null) {
    this.#pending = pending;
  }

  get isTransaction(): boolean {
    return this.#pending !== null;
  }

  read<Key, Value>(cache: ReadCache<Key, Value>, key: Key, load: () => Promise<Value>): Promise<Value> {
    return this.#pending === null ? cache.get(key, load) : load();
  }

  /** `stored` brings memory up to date with the result; without it, memory forgets. */
  async write<T>(write: Promise<T>, forget: () => void, stored?: (result: T) => void): Promise<T> {
    try {
      const result = await write;
      this.#take({ stored: () => (stored === undefined ? forget() : stored(result)), failed: forget });
      return result;
    } catch (error) {
      this.#take({ stored: forget, failed: forget });
      throw error;
    }
  }

  #take(effect: Effect): void {
    if (this.#pending === null) effect.stored();
    else this.#pending.push(effect);
  }
}
