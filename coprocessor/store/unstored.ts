import type { RequestKey } from "../core/request.ts";
import type { StoredPeerMessage } from "./port.ts";

export interface UnstoredOptions {
  /** Stores messages about one request, in this order; what is asked for later is stored no earlier. */
  write(key: RequestKey, heard: readonly StoredPeerMessage[]): Promise<void>;
  /** Milliseconds that a message waits at most for a write that it can go along with. */
  waitMs: number;
  /** Messages, and bytes of them, that may wait or be under way at once; the last to be added may go beyond. */
  mostMessages: number;
  mostBytes: number;
}

/** Of a message as JSON, without its output. */
const BYTES_PER_MESSAGE = 512;

/**
 * Messages that memory knows and the database does not: they wait a moment, to go along with a write that somebody waits for.
 *
 * In memory, so bounded: who adds more has to wait while it is full.
 */
export class Unstored {
  readonly #options: UnstoredOptions;
  /** By request, in order of arrival. */
  readonly #waiting = new Map<RequestKey, StoredPeerMessage[]>();
  /** Ends of what was handed over, by request; one that failed rejects. */
  readonly #underWay = new Map<RequestKey, Promise<void>>();
  #messages = 0;
  #bytes = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(options: UnstoredOptions) {
    this.#options = options;
  }

  get isFull(): boolean {
    return this.#messages >= this.#options.mostMessages || this.#bytes >= this.#options.mostBytes;
  }

  get isEmpty(): boolean {
    return this.#messages === 0;
  }

  add(key: RequestKey, heard: readonly StoredPeerMessage[]): void {
    const waiting = this.#waiting.get(key) ?? [];
    waiting.push(...heard);
    this.#waiting.set(key, waiting);
    this.#count(heard, 1);
    this.#timer ??= setTimeout(() => this.handOverAll(), this.#options.waitMs);
  }

  /**
   * Has written what waits about a request.
   *
   * @returns once all that was heard about it is stored, and null when it is already; rejects when that failed.
   */
  handOver(key: RequestKey): Promise<void> | null {
    const heard = this.#waiting.get(key);
    if (heard !== undefined) {
      this.#waiting.delete(key);
      const ending = this.#write(key, heard, this.#underWay.get(key));
      this.#underWay.set(key, ending);
      const forget = () => {
        if (this.#underWay.get(key) === ending) this.#underWay.delete(key);
      };
      ending.then(forget, forget);
    }
    return this.#underWay.get(key) ?? null;
  }

  /** Has written whatever waits. */
  handOverAll(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    for (const key of [...this.#waiting.keys()]) void this.handOver(key);
  }

  /** @returns once all that was heard until now is stored, or could not be. */
  async flush(): Promise<void> {
    this.handOverAll();
    await Promise.allSettled(this.#underWay.values());
  }

  async #write(
    key: RequestKey,
    heard: readonly StoredPeerMessage[],
    earlier: Promise<void> | undefined,
  ): Promise<void> {
    try {
      await this.#options.write(key, heard);
    } finally {
      this.#count(heard, -1);
    }
    await earlier;
  }

  #count(heard: readonly StoredPeerMessage[], sign: 1 | -1): void {
    this.#messages += sign * heard.length;
    for (const { message } of heard) {
      const output = "output" in message ? message.output.length : 0;
      this.#bytes += sign * (BYTES_PER_MESSAGE + output);
    }
  }
}
