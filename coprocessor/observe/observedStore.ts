import type { OutboxEntry, OutboxState } from "../core/outbox.ts";
import type { RequestKey, RequestRecord, RequestState } from "../core/request.ts";
import type { RequestPatch, Store } from "../store/port.ts";
import { around } from "./around.ts";

/** A write that lasts. `record` is null where only keys are known. */
export type StoreChange =
  | { type: "opened"; record: RequestRecord }
  | { type: "moved"; key: RequestKey; to: RequestState; patch: RequestPatch; record: RequestRecord | null }
  | { type: "outbox"; entry: OutboxEntry; from: OutboxState }
  | { type: "rewound"; ancestor: bigint };

/**
 * The same store, and everybody's way through it told: each stage ends with one write, so nothing else has to say when.
 *
 * Told once it is stored, what a transaction wrote together, in its order; nothing of one that was rolled back.
 */
export function observeStore(store: Store, tell: (changes: readonly StoreChange[]) => void): Store {
  return around(store, {
    ...noting(store, (change) => tell([change])),
    async transaction(work) {
      const changes: StoreChange[] = [];
      const result = await store.transaction((inner) => work(collecting(inner, changes)));
      if (changes.length > 0) tell(changes);
      return result;
    },
  });
}

/** Inside a transaction; a nested one joins it, so what it wrote counts when the outer one is stored. */
function collecting(store: Store, changes: StoreChange[]): Store {
  const inside: Store = around(store, {
    ...noting(store, (change) => changes.push(change)),
    transaction: (work) => work(inside),
  });
  return inside;
}

type Noted = Pick<
  Store,
  | "insertRequest"
  | "insertRequests"
  | "write"
  | "transition"
  | "transitionAll"
  | "updateOutbox"
  | "updateOutboxAll"
  | "rewind"
>;

const noting = (store: Store, note: (change: StoreChange) => void): Noted => ({
  async insertRequest(record) {
    const isNew = await store.insertRequest(record);
    if (isNew) note({ type: "opened", record });
    return isNew;
  },
  async insertRequests(records) {
    const inserted = await store.insertRequests(records);
    const isNew = new Set(inserted);
    for (const record of records) if (isNew.has(record.key)) note({ type: "opened", record });
    return inserted;
  },
  async write(write) {
    const written = await store.write(write);
    const { record } = written;
    if (write.move !== undefined && record !== null) {
      const { to, patch = {} } = write.move;
      note({ type: "moved", key: write.key, to, patch, record });
    }
    return written;
  },
  async transition(
    key: RequestKey,
    from: readonly RequestState[],
    to: RequestState,
    patch: RequestPatch = {},
  ) {
    const record = await store.transition(key, from, to, patch);
    if (record !== null) note({ type: "moved", key, to, patch, record });
    return record;
  },
  async transitionAll(
    keys: readonly RequestKey[],
    from: readonly RequestState[],
    to: RequestState,
    patch: RequestPatch = {},
  ) {
    const moved = await store.transitionAll(keys, from, to, patch);
    for (const key of moved) note({ type: "moved", key, to, patch, record: null });
    return moved;
  },
  async updateOutbox(entry, from) {
    const updated = await store.updateOutbox(entry, from);
    if (updated) note({ type: "outbox", entry, from });
    return updated;
  },
  async updateOutboxAll(entries, from) {
    const updated = await store.updateOutboxAll(entries, from);
    for (const [index, entry] of entries.entries())
      if (updated[index] === true) note({ type: "outbox", entry, from });
    return updated;
  },
  async rewind(ancestor) {
    const keys = await store.rewind(ancestor);
    note({ type: "rewound", ancestor });
    return keys;
  },
});
