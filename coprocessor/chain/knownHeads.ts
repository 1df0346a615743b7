import type { BlockRef } from "../core/block.ts";
import type { ChainStep } from "./port.ts";

/**
 * Heads of the steps that were yielded and are not final yet, oldest first.
 *
 * Invariant: numbers increase, and each head was an ancestor of the next one when that one was yielded. Where two
 * neighbours' numbers differ by 1, the later one's `parentHash` is the earlier one's `hash`.
 */
export class KnownHeads {
  #heads: BlockRef[];

  constructor(heads: readonly BlockRef[]) {
    this.#heads = [...heads].sort((a, b) => (a.number < b.number ? -1 : 1));
  }

  /** Follows a step that is being yielded. After `finalized` the newest final head stays: the last one a reorg may reach. */
  apply(step: ChainStep): void {
    switch (step.type) {
      case "blocks":
        this.#heads.push(step.head);
        return;
      case "reorg":
        this.#heads = this.#heads.filter(({ number }) => number <= step.ancestor.number);
        return;
      case "finalized":
        this.#heads = this.#heads.filter(({ number }) => number >= step.block.number);
        return;
    }
  }

  /** The newest head: where following goes on. */
  get cursor(): BlockRef | null {
    return this.#heads.at(-1) ?? null;
  }

  get oldest(): BlockRef | null {
    return this.#heads[0] ?? null;
  }

  newestFirst(): BlockRef[] {
    return this.#heads.toReversed();
  }

  /** The newest head at or below a height. */
  atOrBelow(number: bigint): BlockRef | null {
    return this.#heads.findLast((head) => head.number <= number) ?? null;
  }

  /** Mean milliseconds between the newest blocks; null while fewer than two are known. */
  blockTimeMs(): number | null {
    const newest = this.#heads.at(-1);
    const earlier = this.#heads.at(-Math.min(this.#heads.length, 32));
    if (!newest || !earlier || newest.number === earlier.number) return null;
    return ((newest.timestamp - earlier.timestamp) * 1_000) / Number(newest.number - earlier.number);
  }
}
