import { EventEmitter } from "node:events";
import type { Results } from "@electric-sql/pglite";
import { CoprocessorError } from "../core/errors.ts";
import type { SpaceGuard } from "./freeSpace.ts";
import { Gathering } from "./gathering.ts";
import {
  type EmbeddedSession,
  type EmbeddedTransaction,
  MAX_TOGETHER,
  type PreparedSession,
  type Statement,
} from "./preparedSession.ts";
import type { TransactionScope } from "./transactionScope.ts";

interface QueryResult {
  // biome-ignore lint/suspicious/noExplicitAny: node-postgres' own shape; callers name the row.
  rows: any[];
  rowCount: number | null;
}

/**
 * One PGlite connection in the shape of node-postgres' `Pool`, for libraries that expect one.
 *
 * PGlite has a single session. Single statements interleave safely, but between a client's `BEGIN` and its `COMMIT`
 * nobody else may speak: such a client holds PGlite's transaction lock, and everybody else waits. Hence the rule that a
 * store transaction must not wait for this pool (it would wait for itself): where transactions are followed, that throws.
 */
export class PglitePool extends EventEmitter {
  readonly #pglite: EmbeddedSession;
  readonly #scope: TransactionScope;
  readonly #space: SpaceGuard;
  /** A commit costs more than most of what the queue asks. */
  readonly #gathered: Gathering<Statement, Results<Record<string, unknown>>>;

  constructor(pglite: PreparedSession, scope: TransactionScope, space: SpaceGuard) {
    super();
    // Each user of a pool listens for its errors.
    this.setMaxListeners(0);
    this.#pglite = pglite;
    this.#scope = scope;
    this.#space = space;
    this.#gathered = new Gathering({
      run: (statements) => pglite.queryTogether(statements),
      most: MAX_TOGETHER,
      // Nothing of a group counts; whose fault it was, each learns alone.
      isOfOne: () => true,
    });
  }

  /** Statements with parameters that come while others run share a commit. */
  async query(text: string, params?: readonly unknown[]): Promise<QueryResult> {
    this.#check();
    if (isBoundary(text)) throw new Error("a transaction needs a client of its own: use connect()");
    if (params === undefined || params.length === 0) return runOn(this.#pglite, text, params);
    const { rows, rowCount } = await this.#gathered.add({ text, params });
    return { rows, rowCount: rowCount ?? rows.length };
  }

  async connect(): Promise<PglitePoolClient> {
    return new PglitePoolClient(this.#pglite, () => this.#check());
  }

  /** The database belongs to whoever opened it. */
  async end(): Promise<void> {}

  /** Whether a statement writes is not told by its text, so all are taken for writes. */
  #check(): void {
    this.#space.check();
    if (!this.#scope.isInside()) return;
    throw new CoprocessorError("the queue was used inside a store transaction, which would wait for itself", {
      code: "store/queue-inside-transaction",
      retry: "never",
    });
  }
}

/** Tells `BEGIN` and friends, which change whose turn it is, from statements. */
const isBoundary = (text: string): boolean =>
  /^\s*(begin|start transaction|commit|end|rollback|abort)\b/i.test(text);

/** Statements without parameters may be scripts, which only the simple protocol takes. */
async function runOn(
  target: Pick<EmbeddedSession | EmbeddedTransaction, "query" | "exec">,
  text: string,
  params: readonly unknown[] | undefined,
): Promise<QueryResult> {
  if (params !== undefined && params.length > 0) {
    const { rows, rowCount } = await target.query(text, [...params]);
    return { rows, rowCount: rowCount ?? rows.length };
  }
  const last = (await target.exec(text)).at(-1);
  return { rows: last?.rows ?? [], rowCount: last?.rowCount ?? last?.rows.length ?? null };
}

interface OpenTransaction {
  transaction: EmbeddedTransaction;
  /** Ends the callback that holds PGlite's transaction lock. */
  finish: (how: "commit" | "rollback") => void;
  /** Settles once PGlite has committed or rolled back. */
  ended: Promise<void>;
}

/** A borrowed session: transactions and `LISTEN`. Notifications of the whole connection arrive as `notification`. */
export class PglitePoolClient extends EventEmitter {
  readonly #pglite: EmbeddedSession;
  readonly #check: () => void;
  readonly #stopListening: () => void;
  #open: OpenTransaction | null = null;

  constructor(pglite: EmbeddedSession, check: () => void) {
    super();
    this.#pglite = pglite;
    this.#check = check;
    // Later, as from a server: whoever has just read that there is nothing new shall have begun to wait by then.
    this.#stopListening = pglite.onNotification((channel, payload) => {
      setImmediate(() => this.emit("notification", { channel, payload }));
    });
  }

  async query(text: string, params?: readonly unknown[]): Promise<QueryResult> {
    this.#check();
    if (!isBoundary(text)) return runOn(this.#open?.transaction ?? this.#pglite, text, params);
    if (/^\s*(begin|start)\b/i.test(text)) await this.#begin();
    else await this.#finish(/^\s*(commit|end)\b/i.test(text) ? "commit" : "rollback");
    return { rows: [], rowCount: null };
  }

  /** Gives the session back; a transaction left open is rolled back. */
  release(): void {
    this.#stopListening();
    this.removeAllListeners();
    void this.#finish("rollback").catch(() => {});
  }

  async #begin(): Promise<void> {
    if (this.#open !== null) throw new Error("this client is inside a transaction already");
    this.#open = await new Promise<OpenTransaction>((resolve, reject) => {
      const ended = this.#pglite.transaction(async (transaction) => {
        const how = await new Promise<"commit" | "rollback">((finish) => {
          // `ended` is assigned by the time anybody can ask: PGlite calls back later than it returns.
          queueMicrotask(() => resolve({ transaction, finish, ended }));
        });
        if (how === "rollback") await transaction.rollback();
      });
      ended.catch(reject);
    });
  }

  async #finish(how: "commit" | "rollback"): Promise<void> {
    const open = this.#open;
    if (open === null) return;
    this.#open = null;
    open.finish(how);
    await open.ended;
  }
}
