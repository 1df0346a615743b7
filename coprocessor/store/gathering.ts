/** What callers ask for one by one and is cheaper together: one round at a time, with all that came meanwhile. */
export interface GatheringOptions<Item, Result> {
  /** @returns a result for each item, in their order. */
  run(items: readonly Item[]): Promise<readonly Result[]>;
  /** Items in one round. */
  most: number;
  /** Whether a failed round is to be run again item by item, because one of them may be to blame. */
  isOfOne(error: unknown): boolean;
}

interface Waiting<Item, Result> {
  item: Item;
  resolve(result: Result): void;
  reject(error: unknown): void;
}

/**
 * Gathers what is asked for while an earlier round runs, or in the same turn of the event loop.
 *
 * So a round is as large as the load makes it, and a lone item waits for nothing but the end of the turn.
 */
export class Gathering<Item, Result> {
  readonly #options: GatheringOptions<Item, Result>;
  #waiting: Waiting<Item, Result>[] = [];
  #running = false;

  constructor(options: GatheringOptions<Item, Result>) {
    this.#options = options;
  }

  add(item: Item): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      if (!this.#running) void this.#work();
    });
  }

  async #work(): Promise<void> {
    this.#running = true;
    while (this.#waiting.length > 0) {
      // What sockets have brought meanwhile comes first, and joins in.
      await new Promise(setImmediate);
      await this.#round(this.#waiting.splice(0, this.#options.most));
    }
    this.#running = false;
  }

  async #round(round: readonly Waiting<Item, Result>[]): Promise<void> {
    try {
      const results = await this.#options.run(round.map(({ item }) => item));
      round.forEach(({ resolve }, index) => {
        resolve(results[index] as Result);
      });
    } catch (error) {
      if (round.length > 1 && this.#options.isOfOne(error)) for (const one of round) await this.#round([one]);
      else for (const { reject } of round) reject(error);
    }
  }
}
