import { sql } from "drizzle-orm";
import type { Address, Hex } from "viem";
import type { BlockRef } from "../core/block.ts";
import type { MemoryBeginning } from "../core/memory.ts";
import type { PeerMessage } from "../core/messages.ts";
import type { EnrolmentRecord, ModelRecord, OperatorRecord } from "../core/operators.ts";
import type { OutboxEntry, OutboxState } from "../core/outbox.ts";
import type { Receipt, ReceiptSummary } from "../core/receipt.ts";
import type { RequestKey, RequestRecord, RequestState } from "../core/request.ts";
import type { Statement } from "../core/statement.ts";
import type { WatchRecord } from "../core/watch.ts";
import type { Log } from "../observe/port.ts";
import * as blockRows from "./blockRows.ts";
import { connectPostgres, type Database, type Placing, type Queries, useEmbedded } from "./database.ts";
import type { EmbeddedDatabase } from "./embeddedDatabase.ts";
import { createEvidenceRows, type RowAccess } from "./evidenceRows.ts";
import { storeFigures } from "./figures.ts";
import * as memoryRow from "./memoryRow.ts";
import * as messageRows from "./messageRows.ts";
import * as outboxRows from "./outboxRows.ts";
import type {
  EvidenceStore,
  NonceHolder,
  RequestPatch,
  RequestWrite,
  RequestWritten,
  Store,
  StoredPeerMessage,
  StoreFigures,
} from "./port.ts";
import * as receiptRows from "./receiptRows.ts";
import * as registryRows from "./registryRows.ts";
import { moveRequests } from "./requestMoves.ts";
import { createRequestQueries, type RequestQueries } from "./requestQueries.ts";
import { createRounds, type WriteRound } from "./requestRounds.ts";
import * as requestRows from "./requestRows.ts";
import { type Expiry, forgetChain, forgetClosed } from "./retention.ts";
import { rewind } from "./rewind.ts";
import { storeError } from "./storeError.ts";
import { type TransactionScope, unfollowedTransactions } from "./transactionScope.ts";
import * as watchRows from "./watchRows.ts";

export interface DrizzleStoreOptions {
  /** The process's embedded database, or the URL of a PostgreSQL server (14 or newer). */
  database: EmbeddedDatabase | `postgres://${string}` | `postgresql://${string}`;
  /**
   * The oracle that the rows are about, and whether the node follows it alone (see `schemaOf`); when not given, whatever
   * is in the schema `sibyl`.
   */
  placing?: Placing;
  /** Stores whose nonces are of the same account as this one's, itself included; only itself when not given. */
  account?: AccountSchemas;
  /** The token of the lease under which this process writes to a server; unasked when not given. */
  fence?: bigint | null;
  /** Whether calls from inside of a server's transactions are found out (an embedded database knows its own); not by default. */
  transactions?: TransactionScope;
  log: Log;
  /** Unix milliseconds. */
  now?: () => number;
}

/** Schemas of the stores that share an account: two oracles of one chain may be served with one key. */
export type AccountSchemas = Set<string>;

/**
 * A store in Postgres, embedded or a server; brings its tables up to date first.
 *
 * @throws CoprocessorError `store/unavailable`, `store/auth-failed`, `store/no-such-database`, `store/no-space`,
 * `store/schema-too-new`, `store/not-fenced`; the store's methods throw the first, the fourth, `store/rejected` for a
 * statement that the database refuses, as for a nonce that is given twice, and `node/lease-lost` once another node writes.
 */
export async function createDrizzleStore(options: DrizzleStoreOptions): Promise<Store> {
  const { database, placing, fence = null, log, now = Date.now, account = new Set() } = options;
  const { transactions = unfollowedTransactions } = options;
  try {
    const opened = await (typeof database === "string"
      ? connectPostgres(database, { log, fence, placing, transactions })
      : useEmbedded(database, placing));
    account.add(opened.schema);
    return new DrizzleStore(opened, opened.queries, account, now);
  } catch (error) {
    throw storeError(error, "open");
  }
}

/** As long as its port is wide: a method for each of the port's; the statements are beside it, in the files of rows. */
class DrizzleStore implements Store {
  readonly #database: Database;
  /** The transaction that this store speaks for; the database itself outside of one. */
  readonly #queries: Queries;
  readonly #account: AccountSchemas;
  readonly #now: () => number;
  readonly #writeRound: WriteRound;
  readonly evidence: EvidenceStore;
  readonly #ofRequests: RequestQueries;

  constructor(
    database: Database,
    queries: Queries,
    account: AccountSchemas,
    now: () => number,
    writeRound: WriteRound = createRounds(database),
  ) {
    this.#database = database;
    this.#writeRound = writeRound;
    this.#queries = queries;
    this.#account = account;
    this.#now = now;
    const access: RowAccess = {
      read: (operation, query) => this.#read(operation, query),
      write: (operation, query) => this.#write(operation, query),
      writeTogether: (operation, query) => this.#writeTogether(operation, query),
    };
    this.evidence = createEvidenceRows(access);
    this.#ofRequests = createRequestQueries(access, {
      isTransaction: queries !== database.queries,
      refuse: (operation) => this.#refuseOutsider(operation),
      schema: database.schema,
      writeRound,
      now,
    });
  }

  async transaction<T>(work: (store: Store) => Promise<T>): Promise<T> {
    if (this.#queries !== this.#database.queries) return work(this);
    // What the work throws is its own; what begin or commit throws is ours to name.
    let thrown: { error: unknown } | null = null;
    try {
      return await this.#begin(async (queries) => {
        try {
          return await work(
            new DrizzleStore(this.#database, queries, this.#account, this.#now, this.#writeRound),
          );
        } catch (error) {
          thrown = { error };
          throw error;
        }
      });
    } catch (error) {
      if (thrown !== null) throw (thrown as { error: unknown }).error;
      throw storeError(error, "transaction");
    }
  }

  memory(): Promise<MemoryBeginning | null> {
    return this.#read("memory", (queries) => memoryRow.findMemory(queries));
  }

  beginMemory(began: MemoryBeginning): Promise<MemoryBeginning> {
    return this.#writeTogether("beginMemory", (queries) => memoryRow.beginMemory(queries, began));
  }

  blocks(): Promise<BlockRef[]> {
    return this.#read("blocks", blockRows.listBlocks);
  }

  addBlock(block: BlockRef): Promise<void> {
    return this.#write("addBlock", (queries) => blockRows.putBlock(queries, block));
  }

  rewind(ancestor: bigint): Promise<RequestKey[]> {
    return this.#writeTogether("rewind", (queries) => rewind(queries, ancestor, this.#now()));
  }

  prune(block: bigint): Promise<void> {
    return this.#writeTogether("prune", async (queries) => {
      await blockRows.pruneBlocks(queries, block);
      await registryRows.pruneRegistry(queries, block);
    });
  }

  async insertRequest(record: RequestRecord): Promise<boolean> {
    return (await this.insertRequests([record])).length > 0;
  }

  insertRequests(records: readonly RequestRecord[]): Promise<RequestKey[]> {
    return this.#writeTogether("insertRequests", (queries) =>
      requestRows.insertRequests(queries, this.#database.schema, records),
    );
  }

  write(write: RequestWrite): Promise<RequestWritten> {
    return this.#ofRequests.write(write);
  }

  request(key: RequestKey): Promise<RequestRecord | null> {
    return this.#ofRequests.request(key);
  }

  requests(filter: Parameters<Store["requests"]>[0]): Promise<RequestRecord[]> {
    return this.#read("requests", (queries) => requestRows.listRequests(queries, filter));
  }

  async transition(
    key: RequestKey,
    from: readonly RequestState[],
    to: RequestState,
    patch: RequestPatch = {},
  ): Promise<RequestRecord | null> {
    return (await this.write({ key, move: { from, to, patch } })).record;
  }

  async transitionAll(
    keys: readonly RequestKey[],
    from: readonly RequestState[],
    to: RequestState,
    patch: RequestPatch = {},
  ): Promise<RequestKey[]> {
    const moves = keys.map((key) => ({ key, from, to, patch }));
    const moved = await this.#write("transitionAll", (queries) =>
      moveRequests(queries, this.#database.schema, moves, this.#now()),
    );
    return [...moved.keys()];
  }

  statements(key: RequestKey): Promise<Statement[]> {
    return this.#ofRequests.statements(key);
  }

  spokenAbout(keys: readonly RequestKey[]): Promise<RequestKey[]> {
    return this.#read("spokenAbout", (queries) => messageRows.listSpokenAbout(queries, keys));
  }

  async addPeerMessage(
    key: RequestKey,
    message: PeerMessage,
    receivedAt: number,
  ): Promise<StoredPeerMessage | null> {
    const { heard } = await this.write({ key, heard: [{ message, receivedAt }] });
    return heard[0] ?? null;
  }

  async hear(key: RequestKey, heard: Parameters<Store["hear"]>[1]): Promise<(StoredPeerMessage | null)[]> {
    return (await this.write({ key, heard })).heard;
  }

  peerMessages(key: RequestKey): Promise<StoredPeerMessage[]> {
    return this.#ofRequests.peerMessages(key);
  }

  async putReceipt(key: RequestKey, receipt: Receipt): Promise<void> {
    await this.write({ key, receipt });
  }

  receipt(key: RequestKey): Promise<Receipt | null> {
    return this.#read("receipt", (queries) => receiptRows.findReceipt(queries, key));
  }

  receipts(limit: number): Promise<ReceiptSummary[]> {
    return this.#read("receipts", (queries) => receiptRows.listReceipts(queries, limit));
  }

  putWatch(record: WatchRecord): Promise<void> {
    return this.#write("putWatch", (queries) => watchRows.putWatch(queries, record));
  }

  watch(key: RequestKey): Promise<WatchRecord | null> {
    return this.#read("watch", (queries) => watchRows.findWatch(queries, key));
  }

  watches(filter: Parameters<Store["watches"]>[0]): Promise<WatchRecord[]> {
    return this.#read("watches", (queries) => watchRows.listWatches(queries, filter));
  }

  putOperator(record: OperatorRecord, block: bigint): Promise<void> {
    return this.#write("putOperator", (queries) => registryRows.putOperator(queries, record, block));
  }

  operator(operatorId: number): Promise<OperatorRecord | null> {
    return this.#read("operator", (queries) => registryRows.findOperator(queries, operatorId));
  }

  operatorByAttester(attester: Address): Promise<OperatorRecord | null> {
    return this.#read("operatorByAttester", (queries) =>
      registryRows.findOperatorByAttester(queries, attester),
    );
  }

  operators(): Promise<OperatorRecord[]> {
    return this.#read("operators", (queries) => registryRows.listOperators(queries));
  }

  putEnrolment(record: EnrolmentRecord, block: bigint): Promise<void> {
    return this.#write("putEnrolment", (queries) => registryRows.putEnrolment(queries, record, block));
  }

  enrolments(modelId: Hex): Promise<EnrolmentRecord[]> {
    return this.#read("enrolments", (queries) => registryRows.listEnrolments(queries, modelId));
  }

  holdsSeat(operatorId: number): Promise<boolean> {
    return this.#read("holdsSeat", (queries) => registryRows.holdsSeat(queries, operatorId));
  }

  putModel(record: ModelRecord, block: bigint): Promise<void> {
    return this.#write("putModel", (queries) => registryRows.putModel(queries, record, block));
  }

  model(modelId: Hex): Promise<ModelRecord | null> {
    return this.#read("model", (queries) => registryRows.findModel(queries, modelId));
  }

  insertOutbox(entry: OutboxEntry): Promise<boolean> {
    return this.#ofRequests.insertOutbox(entry);
  }

  outbox(filter: { states: readonly OutboxState[] }): Promise<OutboxEntry[]> {
    return this.#read("outbox", (queries) => outboxRows.listOutbox(queries, filter.states));
  }

  outboxFor(key: RequestKey): Promise<OutboxEntry[]> {
    return this.#ofRequests.outboxFor(key);
  }

  async updateOutbox(entry: OutboxEntry, from: OutboxState): Promise<boolean> {
    return (await this.updateOutboxAll([entry], from)).includes(true);
  }

  updateOutboxAll(entries: readonly OutboxEntry[], from: OutboxState): Promise<boolean[]> {
    return this.#write("updateOutbox", (queries) =>
      outboxRows.updateOutboxAll(queries, this.#database.schema, entries, from),
    );
  }

  nextNonce(floor: number): Promise<number> {
    return this.#writeTogether("nextNonce", (queries) => outboxRows.nextNonce(queries, this.#account, floor));
  }

  async nonceHoldersBeside(): Promise<NonceHolder[]> {
    const others = [...this.#account].filter((schema) => schema !== this.#database.schema);
    if (others.length === 0) return [];
    return this.#read("nonceHoldersBeside", (queries) => outboxRows.listNonceHolders(queries, others));
  }

  forgetClosed(age: Expiry): Promise<number> {
    return this.#writeTogether("forgetClosed", (queries) => forgetClosed(queries, age));
  }

  forgetChain(): Promise<{ requests: number; blocks: number }> {
    return this.#writeTogether("forgetChain", forgetChain);
  }

  figures(): Promise<StoreFigures> {
    return this.#read("figures", storeFigures);
  }

  check(): Promise<void> {
    return this.#write("check", async (queries) => void (await queries.execute(sql`select 1`)));
  }

  close(): Promise<void> {
    return this.#database.close();
  }

  async #read<T>(operation: string, query: (queries: Queries) => PromiseLike<T>): Promise<T> {
    this.#refuseOutsider(operation);
    try {
      return await query(this.#queries);
    } catch (error) {
      throw storeError(error, operation);
    }
  }

  async #write<T>(operation: string, query: (queries: Queries) => PromiseLike<T>): Promise<T> {
    this.#database.space.check();
    return this.#read(operation, query);
  }

  /** For several statements that count together, in the caller's transaction or in one of their own. */
  #writeTogether<T>(operation: string, query: (queries: Queries) => Promise<T>): Promise<T> {
    if (this.#queries !== this.#database.queries) return this.#write(operation, query);
    return this.#write(operation, () => this.#begin(query));
  }

  #begin<T>(work: (queries: Queries) => Promise<T>): Promise<T> {
    this.#refuseOutsider("transaction");
    const { transactions, queries } = this.#database;
    return transactions.run(() => queries.transaction(work));
  }

  /** Inside a transaction only the store that it was given may be used: the outer one would wait for it, or miss it. */
  #refuseOutsider(operation: string): void {
    const isOutside = this.#queries === this.#database.queries;
    if (!isOutside || !this.#database.transactions.isInside()) return;
    throw new Error(`${operation}: use the store that the transaction hands over, not the one outside of it`);
  }
}
