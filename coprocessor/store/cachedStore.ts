import type { Address, Hex } from "viem";
import type { PeerMessage } from "../core/messages.ts";
import type { EnrolmentRecord, ModelRecord, OperatorRecord } from "../core/operators.ts";
import type { OutboxEntry } from "../core/outbox.ts";
import type { Receipt } from "../core/receipt.ts";
import type { RequestKey, RequestRecord } from "../core/request.ts";
import type { Statement } from "../core/statement.ts";
import type { RequestPatch, RequestWrite, Store, StoredPeerMessage } from "./port.ts";
import { ReadCache } from "./readCache.ts";

/** Rows of one kind that stay in memory; requests come and go, so old ones make room. */
const MAX_ENTRIES = 4_096;

/** What has been read and not been changed since, by what it is about. */
class Caches {
  readonly request = new ReadCache<RequestKey, RequestRecord | null>(MAX_ENTRIES);
  readonly statements = new ReadCache<RequestKey, Statement[]>(MAX_ENTRIES);
  readonly peerMessages = new ReadCache<RequestKey, StoredPeerMessage[]>(MAX_ENTRIES);
  readonly outboxFor = new ReadCache<RequestKey, OutboxEntry[]>(MAX_ENTRIES);
  readonly operator = new ReadCache<number, OperatorRecord | null>(MAX_ENTRIES);
  readonly enrolments = new ReadCache<Hex, EnrolmentRecord[]>(MAX_ENTRIES);
  readonly seated = new ReadCache<number, boolean>(MAX_ENTRIES);
  readonly model = new ReadCache<Hex, ModelRecord | null>(MAX_ENTRIES);

  forgetAll(): void {
    for (const cache of Object.values(this) as ReadCache<unknown, unknown>[]) cache.forgetAll();
  }
}

/** Brings memory in line with a write. */
interface Effect {
  /** Once it is stored. */
  stored(): void;
  /** When it failed or was rolled back: what the database holds is then unknown. */
  failed(): void;
}

/**
 * Answers repeated reads from memory: a request is looked at dozens of times while it is open, and each query costs a
 * millisecond of a node's only thread.
 *
 * Right only while nobody else writes the same tables: one node owns its store. Memory follows a
 * write once it is stored, those of a transaction when it ends; inside a transaction nothing is read from memory.
 * What comes back is shared and must not be changed by the caller.
 */
export function createCachedStore(inner: Store): Store & { forgetAll(): void } {
  const caches = new Caches();
  const store = new CachedStore(inner, caches, null);
  return Object.assign(store, { forgetAll: () => caches.forgetAll() });
}

/** As long as its port is wide: a method for each of the port's. */
class CachedStore implements Store {
  readonly #inner: Store;
  readonly #caches: Caches;
  /** Collects what to do to memory at the transaction's end; null outside of one. */
  readonly #pending: Effect[] | null;

  constructor(inner: Store, caches: Caches, pending: Effect[] | null) {
    this.#inner = inner;
    this.#caches = caches;
    this.#pending = pending;
  }

  async transaction<T>(work: (store: Store) => Promise<T>): Promise<T> {
    if (this.#pending !== null) return work(this);
    const pending: Effect[] = [];
    try {
      const result = await this.#inner.transaction((inner) =>
        work(new CachedStore(inner, this.#caches, pending)),
      );
      for (const effect of pending) effect.stored();
      return result;
    } catch (error) {
      for (const effect of pending) effect.failed();
      throw error;
    }
  }

  request(key: RequestKey) {
    return this.#read(this.#caches.request, key, () => this.#inner.request(key));
  }

  statements(key: RequestKey) {
    return this.#read(this.#caches.statements, key, () => this.#inner.statements(key));
  }

  peerMessages(key: RequestKey) {
    return this.#read(this.#caches.peerMessages, key, () => this.#inner.peerMessages(key));
  }

  outboxFor(key: RequestKey) {
    return this.#read(this.#caches.outboxFor, key, () => this.#inner.outboxFor(key));
  }

  operator(operatorId: number) {
    return this.#read(this.#caches.operator, operatorId, () => this.#inner.operator(operatorId));
  }

  enrolments(modelId: Hex) {
    return this.#read(this.#caches.enrolments, modelId, () => this.#inner.enrolments(modelId));
  }

  holdsSeat(operatorId: number) {
    return this.#read(this.#caches.seated, operatorId, () => this.#inner.holdsSeat(operatorId));
  }

  model(modelId: Hex) {
    return this.#read(this.#caches.model, modelId, () => this.#inner.model(modelId));
  }

  insertRequest(record: RequestRecord) {
    return this.#write(this.#inner.insertRequest(record), () => this.#caches.request.forget(record.key));
  }

  insertRequests(records: readonly RequestRecord[]) {
    const forget = () => {
      for (const { key } of records) this.#caches.request.forget(key);
    };
    return this.#write(this.#inner.insertRequests(records), forget);
  }

  write(write: RequestWrite) {
    const { key } = write;
    const { request, statements, peerMessages } = this.#caches;
    return this.#write(
      this.#inner.write(write),
      () => {
        for (const cache of [request, statements, peerMessages]) cache.forget(key);
      },
      ({ statement, heard, record }) => {
        if (statement !== null) statements.update(key, (known) => withStatement(known, statement));
        const added = heard.filter((one) => one !== null);
        if (added.length > 0) peerMessages.update(key, (known) => inOrder([...known, ...added]));
        if (record !== null) request.update(key, () => record);
      },
    );
  }

  async transition(
    key: RequestKey,
    from: Parameters<Store["transition"]>[1],
    to: RequestRecord["state"],
    patch: RequestPatch = {},
  ) {
    return (await this.write({ key, move: { from, to, patch } })).record;
  }

  transitionAll(...args: Parameters<Store["transitionAll"]>) {
    const forget = () => {
      for (const key of args[0]) this.#caches.request.forget(key);
    };
    return this.#write(this.#inner.transitionAll(...args), forget);
  }

  recordStatement(statement: Statement) {
    const { statements } = this.#caches;
    return this.#write(
      this.#inner.recordStatement(statement),
      () => statements.forget(statement.key),
      (stored) => statements.update(statement.key, (known) => withStatement(known, stored)),
    );
  }

  async addPeerMessage(key: RequestKey, message: PeerMessage, receivedAt: number) {
    return (await this.write({ key, heard: [{ message, receivedAt }] })).heard[0] ?? null;
  }

  insertOutbox(entry: OutboxEntry) {
    return this.#write(this.#inner.insertOutbox(entry), () => this.#caches.outboxFor.forget(entry.key));
  }

  updateOutbox(entry: OutboxEntry, from: OutboxEntry["state"]) {
    return this.#write(this.#inner.updateOutbox(entry, from), () => this.#caches.outboxFor.forget(entry.key));
  }

  putOperator(record: OperatorRecord, block: bigint) {
    return this.#write(this.#inner.putOperator(record, block), () =>
      this.#caches.operator.forget(record.operatorId),
    );
  }

  putEnrolment(record: EnrolmentRecord, block: bigint) {
    return this.#write(this.#inner.putEnrolment(record, block), () => {
      this.#caches.enrolments.forget(record.modelId);
      this.#caches.seated.forget(record.operatorId);
    });
  }

  putModel(record: ModelRecord, block: bigint) {
    return this.#write(this.#inner.putModel(record, block), () => this.#caches.model.forget(record.modelId));
  }

  spokenAbout(keys: readonly RequestKey[]) {
    return this.#inner.spokenAbout(keys);
  }

  rewind(ancestor: bigint) {
    return this.#write(this.#inner.rewind(ancestor), () => this.#caches.forgetAll());
  }

  prune(block: bigint) {
    return this.#inner.prune(block);
  }

  memory() {
    return this.#inner.memory();
  }

  beginMemory(began: Parameters<Store["beginMemory"]>[0]) {
    return this.#inner.beginMemory(began);
  }

  blocks() {
    return this.#inner.blocks();
  }

  addBlock(block: Parameters<Store["addBlock"]>[0]) {
    return this.#inner.addBlock(block);
  }

  requests(filter: Parameters<Store["requests"]>[0]) {
    return this.#inner.requests(filter);
  }

  putReceipt(key: RequestKey, receipt: Receipt) {
    return this.#inner.putReceipt(key, receipt);
  }

  receipt(key: RequestKey) {
    return this.#inner.receipt(key);
  }

  receipts(limit: number) {
    return this.#inner.receipts(limit);
  }

  get evidence() {
    return this.#inner.evidence;
  }

  putWatch(record: Parameters<Store["putWatch"]>[0]) {
    return this.#inner.putWatch(record);
  }

  watch(key: RequestKey) {
    return this.#inner.watch(key);
  }

  watches(filter: Parameters<Store["watches"]>[0]) {
    return this.#inner.watches(filter);
  }

  operators() {
    return this.#inner.operators();
  }

  operatorByAttester(attester: Address) {
    return this.#inner.operatorByAttester(attester);
  }

  outbox(filter: Parameters<Store["outbox"]>[0]) {
    return this.#inner.outbox(filter);
  }

  nextNonce(floor: number) {
    return this.#inner.nextNonce(floor);
  }

  nonceHoldersBeside() {
    return this.#inner.nonceHoldersBeside();
  }

  forgetClosed(age: Parameters<Store["forgetClosed"]>[0]) {
    return this.#write(this.#inner.forgetClosed(age), () => this.#caches.forgetAll());
  }

  forgetChain() {
    return this.#write(this.#inner.forgetChain(), () => this.#caches.forgetAll());
  }

  figures() {
    return this.#inner.figures();
  }

  check() {
    return this.#inner.check();
  }

  close() {
    return this.#inner.close();
  }

  #read<Key, Value>(cache: ReadCache<Key, Value>, key: Key, load: () => Promise<Value>): Promise<Value> {
    return this.#pending === null ? cache.get(key, load) : load();
  }

  /** `stored` brings memory up to date with the result; without it, memory forgets. */
  async #write<T>(write: Promise<T>, forget: () => void, stored?: (result: T) => void): Promise<T> {
    try {
      const result = await write;
      this.#take({ stored: () => (stored === undefined ? forget() : stored(result)), failed: forget });
      return result;
    } catch (error) {
      this.#take({ stored: forget, failed: forget });
      throw error;
    }
  }

  #take(effect: Effect): void {
    if (this.#pending === null) effect.stored();
    else this.#pending.push(effect);
  }
}

const withStatement = (known: Statement[], stored: Statement): Statement[] =>
  known.some(({ slot }) => slot === stored.slot) ? known : [...known, stored];

/** Two writes may be told in another order than they were stored in. */
function inOrder(messages: StoredPeerMessage[]): StoredPeerMessage[] {
  return messages.sort((a, b) => a.seq - b.seq);
}
