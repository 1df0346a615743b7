import type { Address, Hex } from "viem";
import type { PeerMessage } from "../core/messages.ts";
import type { EnrolmentRecord, ModelRecord, OperatorRecord } from "../core/operators.ts";
import type { OutboxEntry } from "../core/outbox.ts";
import type { Receipt } from "../core/receipt.ts";
import type { RequestKey, RequestRecord } from "../core/request.ts";
import type { Statement } from "../core/statement.ts";
import { CachedOutbox, OutboxMemory } from "./cachedOutbox.ts";
import { HeardMessages, type HeardMessagesOptions } from "./heardMessages.ts";
import type { RequestPatch, RequestWrite, Store } from "./port.ts";
import { ReadCache } from "./readCache.ts";
import { type Effect, WriteThrough } from "./writeThrough.ts";

/** Rows of one kind that stay in memory; requests come and go, so old ones make room. */
const MAX_ENTRIES = 4_096;

export type CachedStoreOptions = Pick<HeardMessagesOptions, "onLost">;

/** What has been read and not been changed since, by what it is about. */
class Caches {
  readonly request = new ReadCache<RequestKey, RequestRecord | null>(MAX_ENTRIES);
  readonly statements = new ReadCache<RequestKey, Statement[]>(MAX_ENTRIES);
  readonly heard: HeardMessages;
  readonly outbox = new OutboxMemory(MAX_ENTRIES);
  readonly operator = new ReadCache<number, OperatorRecord | null>(MAX_ENTRIES);
  readonly enrolments = new ReadCache<Hex, EnrolmentRecord[]>(MAX_ENTRIES);
  readonly seated = new ReadCache<number, boolean>(MAX_ENTRIES);
  readonly model = new ReadCache<Hex, ModelRecord | null>(MAX_ENTRIES);

  constructor(store: Store, { onLost }: CachedStoreOptions) {
    this.heard = new HeardMessages(store, { maxRequests: MAX_ENTRIES, onLost });
  }

  forgetAll(): void {
    for (const cache of Object.values(this) as { forgetAll(): void }[]) cache.forgetAll();
  }
}

/**
 * Answers repeated reads from memory: a request is looked at dozens of times while it is open, and each query costs a
 * millisecond of a node's only thread.
 *
 * Right only while nobody else writes the same tables: one node owns its store. Memory follows a
 * write once it is stored, those of a transaction when it ends; inside a transaction nothing is read from memory.
 * What comes back is shared and must not be changed by the caller.
 *
 * What is heard runs a moment ahead of the database (`HeardMessages`), and everything that is written about a request comes
 * behind it: a statement stands on nothing that is stored later. A transaction begins when all that was heard is stored.
 */
export function createCachedStore(inner: Store, options: CachedStoreOptions): Store & { forgetAll(): void } {
  const caches = new Caches(inner, options);
  const store = new CachedStore(inner, caches, null);
  return Object.assign(store, { forgetAll: () => caches.forgetAll() });
}

/** As long as its port is wide: a method for each of the port's. */
class CachedStore implements Store {
  readonly #inner: Store;
  readonly #caches: Caches;
  readonly #through: WriteThrough;
  readonly #outbox: CachedOutbox;

  constructor(inner: Store, caches: Caches, pending: Effect[] | null) {
    this.#inner = inner;
    this.#caches = caches;
    this.#through = new WriteThrough(pending);
    this.#outbox = new CachedOutbox(inner, caches.outbox, this.#through);
  }

  async transaction<T>(work: (store: Store) => Promise<T>): Promise<T> {
    if (this.#through.isTransaction) return work(this);
    await this.#caches.heard.flush();
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
    return this.#through.read(this.#caches.request, key, () => this.#inner.request(key));
  }

  statements(key: RequestKey) {
    return this.#through.read(this.#caches.statements, key, () => this.#inner.statements(key));
  }

  peerMessages(key: RequestKey) {
    return this.#through.isTransaction ? this.#inner.peerMessages(key) : this.#caches.heard.list(key);
  }

  operator(operatorId: number) {
    return this.#through.read(this.#caches.operator, operatorId, () => this.#inner.operator(operatorId));
  }

  enrolments(modelId: Hex) {
    return this.#through.read(this.#caches.enrolments, modelId, () => this.#inner.enrolments(modelId));
  }

  holdsSeat(operatorId: number) {
    return this.#through.read(this.#caches.seated, operatorId, () => this.#inner.holdsSeat(operatorId));
  }

  model(modelId: Hex) {
    return this.#through.read(this.#caches.model, modelId, () => this.#inner.model(modelId));
  }

  insertRequest(record: RequestRecord) {
    return this.#through.write(this.#inner.insertRequest(record), () =>
      this.#caches.request.forget(record.key),
    );
  }

  insertRequests(records: readonly RequestRecord[]) {
    const forget = () => {
      for (const { key } of records) this.#caches.request.forget(key);
    };
    return this.#through.write(this.#inner.insertRequests(records), forget);
  }

  write(write: RequestWrite) {
    const { key } = write;
    const { request, statements, heard: messages } = this.#caches;
    const store = () => this.#inner.write(write);
    return this.#through.write(
      this.#through.isTransaction ? store() : messages.behind(key, store),
      () => {
        for (const cache of [request, statements, messages]) cache.forget(key);
      },
      ({ statement, heard, record }) => {
        if (statement !== null) statements.update(key, (known) => withStatement(known, statement));
        messages.add(
          key,
          heard.filter((one) => one !== null),
        );
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
    return this.#through.write(this.#inner.transitionAll(...args), forget);
  }

  async hear(key: RequestKey, heard: Parameters<Store["hear"]>[1]) {
    const known = this.#through.isTransaction ? null : await this.#caches.heard.hear(key, heard);
    return known ?? (await this.write({ key, heard })).heard;
  }

  async addPeerMessage(key: RequestKey, message: PeerMessage, receivedAt: number) {
    return (await this.write({ key, heard: [{ message, receivedAt }] })).heard[0] ?? null;
  }

  outboxFor(key: RequestKey) {
    return this.#outbox.outboxFor(key);
  }

  outbox(filter: Parameters<Store["outbox"]>[0]) {
    return this.#outbox.outbox(filter);
  }

  insertOutbox(entry: OutboxEntry) {
    return this.#outbox.insertOutbox(entry);
  }

  updateOutbox(...args: Parameters<Store["updateOutbox"]>) {
    return this.#outbox.updateOutbox(...args);
  }

  updateOutboxAll(...args: Parameters<Store["updateOutboxAll"]>) {
    return this.#outbox.updateOutboxAll(...args);
  }

  putOperator(record: OperatorRecord, block: bigint) {
    return this.#through.write(this.#inner.putOperator(record, block), () =>
      this.#caches.operator.forget(record.operatorId),
    );
  }

  putEnrolment(record: EnrolmentRecord, block: bigint) {
    return this.#through.write(this.#inner.putEnrolment(record, block), () => {
      this.#caches.enrolments.forget(record.modelId);
      this.#caches.seated.forget(record.operatorId);
    });
  }

  putModel(record: ModelRecord, block: bigint) {
    return this.#through.write(this.#inner.putModel(record, block), () =>
      this.#caches.model.forget(record.modelId),
    );
  }

  spokenAbout(keys: readonly RequestKey[]) {
    return this.#inner.spokenAbout(keys);
  }

  rewind(ancestor: bigint) {
    return this.#takeBack(() => this.#inner.rewind(ancestor));
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

  nextNonce(floor: number) {
    return this.#inner.nextNonce(floor);
  }

  nonceHoldersBeside() {
    return this.#inner.nonceHoldersBeside();
  }

  forgetClosed(age: Parameters<Store["forgetClosed"]>[0]) {
    return this.#takeBack(() => this.#inner.forgetClosed(age));
  }

  forgetChain() {
    return this.#takeBack(() => this.#inner.forgetChain());
  }

  figures() {
    return this.#inner.figures();
  }

  check() {
    return this.#inner.check();
  }

  async close() {
    await this.#caches.heard.flush();
    await this.#inner.close();
  }

  /** For what changes rows of many kinds, those of messages among them. */
  async #takeBack<T>(write: () => Promise<T>): Promise<T> {
    if (!this.#through.isTransaction) await this.#caches.heard.flush();
    return this.#through.write(write(), () => this.#caches.forgetAll());
  }
}

const withStatement = (known: Statement[], stored: Statement): Statement[] =>
  known.some(({ slot }) => slot === stored.slot) ? known : [...known, stored];
