/** What callers ask for one by one and is cheaper together: one round at a time, with all that came meanwhile. */
export interface GatheringOptions<Item, Result> {
  /** @returns a result for each item, in their order. */
  run(items: readonly Item[]): Promise<readonly Result[]>;
  /** Items in one round. */
  most: number;
  /** Whether a failed round is to be run again item by item, because one of them may be to blame. */
  isOfOne(error: unknown): boolean;
}

/** Turns of the event loop that a round waits for more, at most. */
const MAX_TURNS = 8;

interface Waiting<Item, Result> {
  item: Item;
  resolve(result: Result): void;
  reject(error: unknown): void;
}

/**
 * Gathers what is asked for while an earlier round runs, or in turns of the event loop that follow each other.
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
      await this.#company();
      await this.#round(this.#waiting.splice(0, this.#options.most));
    }
    this.#running = false;
  }

  /** What sockets have brought meanwhile comes first, and joins in; so does what follows from that, as long as more comes. */
  async #company(): Promise<void> {
    let before = 0;
    for (let turn = 0; turn < MAX_TURNS; turn++) {
      const { length } = this.#waiting;
      if (length === before || length >= this.#options.most) return;
      before = length;
      await new Promise(setImmediate);
    }
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
