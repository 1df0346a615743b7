import type { RequestKey } from "../core/request.ts";
import { asKept, hasRoom } from "./messageSlots.ts";
import type { Store, StoredPeerMessage } from "./port.ts";
import { ReadCache } from "./readCache.ts";
import { Unstored } from "./unstored.ts";

/** A write that somebody waits for takes along what is unstored, and under load there is one long before. */
const UNSTORED = { waitMs: 200, mostMessages: 2_048, mostBytes: 16 * 1_024 * 1_024 };
/** Places of messages that are not stored yet: behind all that are. */
const FIRST_UNSTORED_SEQ = 2 ** 52;

export interface HeardMessagesOptions {
  /** Requests whose messages stay in memory. */
  maxRequests: number;
  /** Told when messages could not be stored that callers know of. */
  onLost(key: RequestKey, error: unknown): void;
}

/**
 * What was heard about each request, from memory, and so a moment ahead of the database: what is new is told as the tables
 * would tell it, which only their single owner can.
 *
 * Whatever is written about a request takes along what was heard about it, and is stored no earlier (`behind`). Memory
 * forgets what could not be stored.
 */
export class HeardMessages {
  readonly #store: Pick<Store, "hear" | "peerMessages">;
  readonly #known: ReadCache<RequestKey, StoredPeerMessage[]>;
  readonly #unstored: Unstored;
  readonly #onLost: HeardMessagesOptions["onLost"];
  #nextSeq = FIRST_UNSTORED_SEQ;

  constructor(store: Pick<Store, "hear" | "peerMessages">, { maxRequests, onLost }: HeardMessagesOptions) {
    this.#store = store;
    this.#known = new ReadCache(maxRequests);
    this.#unstored = new Unstored({ ...UNSTORED, write: (key, heard) => this.#write(key, heard) });
    this.#onLost = onLost;
  }

  list(key: RequestKey): Promise<StoredPeerMessage[]> {
    return this.#known.get(key, async () => {
      await this.#unstored.handOver(key)?.catch(() => "memory has forgotten them");
      return this.#store.peerMessages(key);
    });
  }

  /** @returns for each message what is known of it now, or null when it was; null for all when only the database can tell. */
  async hear(
    key: RequestKey,
    heard: readonly Omit<StoredPeerMessage, "seq">[],
  ): Promise<(StoredPeerMessage | null)[] | null> {
    await this.list(key);
    while (this.#unstored.isFull) await this.#unstored.flush();
    const known = this.#known.peek(key);
    if (known === undefined) return null;
    const kept = known.map(({ message }) => message);
    const results = heard.map(({ message: said, receivedAt }): StoredPeerMessage | null => {
      const message = asKept(said);
      if (!hasRoom(kept, message)) return null;
      kept.push(message);
      return { seq: this.#nextSeq++, message, receivedAt };
    });
    const added = results.filter((one) => one !== null);
    if (added.length > 0) {
      this.#known.update(key, () => [...known, ...added]);
      this.#unstored.add(key, added);
    }
    return results;
  }

  /**
   * Follows a write that stored messages. Of one that was read, or heard again, before the write was told, only the database
   * knows what became.
   */
  add(key: RequestKey, stored: readonly StoredPeerMessage[]): void {
    if (stored.length === 0) return;
    const kept = (this.#known.peek(key) ?? []).map(({ message }) => message);
    const isAllNew = stored.every(({ message }) => {
      const isNew = hasRoom(kept, message);
      kept.push(message);
      return isNew;
    });
    if (isAllNew) this.#known.update(key, (known) => inOrder([...known, ...stored]));
    else this.#known.forget(key);
  }

  forget(key: RequestKey): void {
    this.#known.forget(key);
  }

  forgetAll(): void {
    this.#known.forgetAll();
  }

  /**
   * Writes about a request behind what was heard about it: in the same round as a rule, and never in an earlier one.
   *
   * @throws what storing that threw: then the caller must not act on what is written either.
   */
  async behind<T>(key: RequestKey, write: () => Promise<T>): Promise<T> {
    const earlier = this.#unstored.handOver(key);
    const writing = write();
    this.#unstored.handOverAll();
    const written = await writing;
    await earlier;
    return written;
  }

  /** @returns once all that was heard until now is stored, or lost. */
  async flush(): Promise<void> {
    if (!this.#unstored.isEmpty) await this.#unstored.flush();
  }

  async #write(key: RequestKey, heard: readonly StoredPeerMessage[]): Promise<void> {
    try {
      const stored = await this.#store.hear(key, heard);
      const isAsKnown = heard.every((one, place) => follow(one, stored[place] ?? null));
      const known = this.#known.peek(key);
      if (!isAsKnown) this.#known.forget(key);
      else if (known !== undefined && !isInOrder(known)) this.#known.update(key, inOrder);
    } catch (error) {
      this.#known.forget(key);
      this.#onLost(key, error);
      throw error;
    }
  }
}

/** Gives a message the place that it has in the database. @returns whether it has one. */
function follow(known: StoredPeerMessage, stored: StoredPeerMessage | null): boolean {
  if (stored === null) return false;
  known.seq = stored.seq;
  return true;
}

const isInOrder = (messages: readonly StoredPeerMessage[]): boolean =>
  messages.every(({ seq }, place) => place === 0 || seq > (messages[place - 1]?.seq ?? 0));

/** Two writes may be told in another order than they were stored in. */
const inOrder = (messages: readonly StoredPeerMessage[]): StoredPeerMessage[] =>
  messages.toSorted((a, b) => a.seq - b.seq);
