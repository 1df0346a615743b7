import { BaseError, ResponseBodyTooLargeError, TimeoutError } from "viem";
import { rpcRefusal } from "../rpc/rpcRefusal.ts";

/** Logs in one answer above which ranges stop growing, so that memory stays flat. */
const COMFORTABLE_LOGS = 1_000;

/**
 * How many blocks one `eth_getLogs` spans.
 *
 * Providers limit ranges, results or time, each with another message, so nothing is parsed: a refused or too heavy
 * call halves the range, easy ones let it grow again.
 */
export class RangeSize {
  #blocks: bigint;
  readonly #most: bigint;
  /** A size that was refused; growing stops below it for a while. */
  #refused: bigint | null = null;
  #sinceRefusal = 0;

  constructor(first: bigint, most: bigint) {
    this.#blocks = first < most ? first : most;
    this.#most = most;
  }

  get blocks(): bigint {
    return this.#blocks;
  }

  succeeded(logs: number): void {
    if (logs > COMFORTABLE_LOGS) {
      this.#blocks = atLeastOne(this.#blocks / 2n);
      return;
    }
    this.#sinceRefusal += 1;
    // Limits change with the load; try beyond an old one from time to time.
    if (this.#sinceRefusal > 50) this.#refused = null;
    const next = this.#blocks * 2n < this.#most ? this.#blocks * 2n : this.#most;
    if (this.#refused === null || next < this.#refused) this.#blocks = next;
  }

  /** @returns whether a smaller range may help; then it is smaller now. */
  failed(error: unknown): boolean {
    if (this.#blocks === 1n || !(rpcRefusal(error) || isTooHeavy(error))) return false;
    this.#refused = this.#blocks;
    this.#sinceRefusal = 0;
    this.#blocks = atLeastOne(this.#blocks / 2n);
    return true;
  }
}

const atLeastOne = (blocks: bigint) => (blocks < 1n ? 1n : blocks);

function isTooHeavy(error: unknown): boolean {
  for (let inner = error; inner instanceof Error; inner = inner.cause) {
    if (inner instanceof TimeoutError || inner instanceof ResponseBodyTooLargeError) return true;
    if (inner instanceof BaseError && "status" in inner && inner.status === 413) return true;
  }
  return false;
}
