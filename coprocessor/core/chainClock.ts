import type { BlockRef } from "./block.ts";

/** Weight of the newest interval in the running mean. */
const NEWEST = 0.25;

/** What time it is on the chain, and how fast its blocks come, told from the heads that we saw. */
export class ChainClock {
  #aheadMs = 0;
  #liveAheadMs: number | null = null;
  #intervalMs = 0;
  #last: BlockRef | null = null;

  /**
   * @param live False for a block that was there before we started: its time says little about now.
   * @param nowMs Our clock, Unix milliseconds.
   */
  observe(head: BlockRef, live: boolean, nowMs: number): void {
    const aheadMs = head.timestamp * 1_000 - nowMs;
    if (live) this.#liveAheadMs = aheadMs;
    this.#aheadMs = live ? aheadMs : Math.max(0, aheadMs);
    const last = this.#last;
    this.#last = head;
    if (!live || last === null || head.number <= last.number) return;
    const blocks = Number(head.number - last.number);
    const intervalMs = ((head.timestamp - last.timestamp) * 1_000) / blocks;
    this.#intervalMs += NEWEST * (Math.max(0, intervalMs) - this.#intervalMs);
  }

  /** The latest block's time, carried on by our clock; Unix milliseconds. */
  now(nowMs: number): number {
    return nowMs + this.#aheadMs;
  }

  /** Running mean of the milliseconds between blocks; 0 until two were seen, and on chains that mine at once. */
  get blockIntervalMs(): number {
    return this.#intervalMs;
  }

  /** How far the newest block that we saw come was ahead of our clock, milliseconds; null before the first. */
  get liveAheadMs(): number | null {
    return this.#liveAheadMs;
  }

  get head(): BlockRef | null {
    return this.#last;
  }
}
