import type { OutboxEntry, OutboxState } from "../core/outbox.ts";
import type { RequestKey } from "../core/request.ts";
import type { Store } from "./port.ts";
import { ReadCache } from "./readCache.ts";
import type { WriteThrough } from "./writeThrough.ts";

/** States of what is owed: whoever drives the outbox reads all of it, again and again. */
const OWED_STATES: readonly OutboxState[] = ["planned", "batched", "signed"];
/** There is one list of what is owed. */
const OWED = "owed";

/** What has been read of the outbox, and not been changed since. */
export class OutboxMemory {
  readonly ofRequest: ReadCache<RequestKey, OutboxEntry[]>;
  /** In the order in which the chain can take them. */
  readonly owed = new ReadCache<typeof OWED, OutboxEntry[]>(1);

  constructor(maxRequests: number) {
    this.ofRequest = new ReadCache(maxRequests);
  }

  forget(entries: readonly OutboxEntry[]): void {
    for (const { key } of entries) this.ofRequest.forget(key);
    this.owed.forget(OWED);
  }

  update(entries: readonly OutboxEntry[]): void {
    for (const entry of entries) {
      this.ofRequest.update(entry.key, (known) => [...without(known, [entry]), entry].sort(byAge));
    }
    const owed = entries.filter(({ state }) => OWED_STATES.includes(state));
    this.owed.update(OWED, (known) => [...without(known, entries), ...owed].sort(byNonce));
  }

  forgetAll(): void {
    this.ofRequest.forgetAll();
    this.owed.forgetAll();
  }
}

/** The part of a cached store that is about transactions. */
export class CachedOutbox
  implements Pick<Store, "insertOutbox" | "outbox" | "outboxFor" | "updateOutbox" | "updateOutboxAll">
{
  readonly #inner: Store;
  readonly #memory: OutboxMemory;
  readonly #through: WriteThrough;

  constructor(inner: Store, memory: OutboxMemory, through: WriteThrough) {
    this.#inner = inner;
    this.#memory = memory;
    this.#through = through;
  }

  outboxFor(key: RequestKey): Promise<OutboxEntry[]> {
    return this.#through.read(this.#memory.ofRequest, key, () => this.#inner.outboxFor(key));
  }

  async outbox({ states }: { states: readonly OutboxState[] }): Promise<OutboxEntry[]> {
    if (this.#through.isTransaction || !states.every((state) => OWED_STATES.includes(state)))
      return this.#inner.outbox({ states });
    const owed = await this.#memory.owed.get(OWED, () => this.#inner.outbox({ states: OWED_STATES }));
    return owed.filter(({ state }) => states.includes(state));
  }

  async insertOutbox(entry: OutboxEntry): Promise<boolean> {
    const [isNew] = await this.#write(async () => [await this.#inner.insertOutbox(entry)], [entry]);
    return isNew === true;
  }

  async updateOutbox(entry: OutboxEntry, from: OutboxState): Promise<boolean> {
    const [isWritten] = await this.#write(async () => [await this.#inner.updateOutbox(entry, from)], [entry]);
    return isWritten === true;
  }

  updateOutboxAll(entries: readonly OutboxEntry[], from: OutboxState): Promise<boolean[]> {
    return this.#write(() => this.#inner.updateOutboxAll(entries, from), entries);
  }

  #write(write: () => Promise<boolean[]>, entries: readonly OutboxEntry[]): Promise<boolean[]> {
    const forget = () => this.#memory.forget(entries);
    return this.#through.write(write(), forget, (areWritten) => {
      // What stands in place of one that was not written, only the database knows.
      if (areWritten.every((isWritten) => isWritten)) this.#memory.update(entries);
      else forget();
    });
  }
}

function without(known: readonly OutboxEntry[], entries: readonly OutboxEntry[]): OutboxEntry[] {
  const ids = new Set(entries.map(({ id }) => id));
  return known.filter(({ id }) => !ids.has(id));
}

/** As the tables list a request's. */
const byAge = (a: OutboxEntry, b: OutboxEntry): number => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1);

/** As the tables list what is in some states. */
function byNonce(a: OutboxEntry, b: OutboxEntry): number {
  const [first, second] = [a.nonce ?? Number.POSITIVE_INFINITY, b.nonce ?? Number.POSITIVE_INFINITY];
  return first === second ? byAge(a, b) : first - second;
}
