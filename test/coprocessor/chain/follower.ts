import type { Chain, ChainEvent } from "../../../coprocessor/chain/port.ts";
import type { BlockRef } from "../../../coprocessor/core/block.ts";

/**
 * Follows a chain like the node does: what a step says and its head are kept together, and the heads are all that is
 * handed back at the next start.
 */
export class Follower {
  heads: BlockRef[] = [];
  events: ChainEvent[] = [];
  reorgs: BlockRef[] = [];
  finalized: bigint | null = null;
  steps = 0;
  /** The latest one that it was started on. */
  chain: Chain | null = null;
  #running: { abort: AbortController; done: Promise<void> } | null = null;
  error: unknown = null;

  start(chain: Chain): void {
    this.chain = chain;
    const abort = new AbortController();
    const done = this.#follow(chain, abort.signal).catch((error: unknown) => {
      this.error = error;
    });
    this.#running = { abort, done };
  }

  async stop(): Promise<void> {
    this.#running?.abort.abort();
    await this.#running?.done;
    this.#running = null;
  }

  get cursor(): BlockRef | undefined {
    return this.heads.at(-1);
  }

  async #follow(chain: Chain, signal: AbortSignal): Promise<void> {
    for await (const step of chain.follow(this.heads, signal)) {
      this.steps += 1;
      switch (step.type) {
        case "blocks": {
          const previous = this.cursor;
          if (previous && step.head.number <= previous.number) throw new Error("a step went backwards");
          this.heads.push(step.head);
          this.events.push(...step.events);
          break;
        }
        case "reorg":
          if (!this.heads.some(({ hash }) => hash === step.ancestor.hash))
            throw new Error("unknown ancestor");
          this.reorgs.push(step.ancestor);
          this.heads = this.heads.filter(({ number }) => number <= step.ancestor.number);
          this.events = this.events.filter(({ position }) => position.blockNumber <= step.ancestor.number);
          break;
        case "finalized":
          if (this.finalized !== null && step.block.number < this.finalized)
            throw new Error("finality went backwards");
          this.finalized = step.block.number;
          this.heads = this.heads.filter(({ number }) => number >= step.block.number);
          break;
      }
    }
  }
}
