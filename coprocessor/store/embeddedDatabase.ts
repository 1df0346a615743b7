import { mkdirSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import type { Log } from "../observe/port.ts";
import { ensureCluster } from "./embeddedCluster.ts";
import { startUpkeep } from "./embeddedUpkeep.ts";
import { guardSpace, type SpaceGuard } from "./freeSpace.ts";
import { acquireLockFile } from "./lockFile.ts";
import { PglitePool } from "./pglitePool.ts";
import { type PreparedSession, preparedSession } from "./preparedSession.ts";
import { storeError } from "./storeError.ts";
import { type TransactionScope, unfollowedTransactions } from "./transactionScope.ts";

/**
 * Postgres' default of 128 MB of buffers costs 150 MB of resident memory and 0.3 s at each start, and caches nothing
 * that the operating system does not cache already.
 */
const MEMORY = ["shared_buffers=16MB", "max_wal_size=64MB", "min_wal_size=32MB"];
/**
 * Plans stay as they were made, when tables were empty: then reading all of a table looks cheaper than its index, and would
 * cost more with every row. Nothing here gathers the statistics that would have them made anew, and to plan a look at a few rows
 * again for its parameters takes as long as the look.
 */
const PLANS = ["enable_seqscan=off", "plan_cache_mode=force_generic_plan"];

/** Three segments of the write-ahead log. A commit that finds no room for one freezes PGlite, and the process with it. */
const RESERVE_BYTES = 48 * 1024 * 1024;

export interface EmbeddedDatabaseOptions {
  /** The cluster's directory; `<directory>.lock` beside it. */
  directory: string;
  /**
   * Schemas that unqualified names mean in this session. For the queue's SQL, which is unqualified; the store's is not.
   */
  searchPath: string;
  /**
   * Where a fresh cluster is kept to be copied, shared by processes; without it each directory makes its own (4 s).
   * Name it after PGlite's version: a cluster fits one major version of Postgres.
   */
  template?: string;
  /** Free disk below which writes are refused. Default 48 MiB. */
  reserveBytes?: number;
  /** Whether calls from inside of transactions are found out; they are not when not given. */
  transactions?: TransactionScope;
  log: Log;
}

/** The one PGlite instance of a process, shared by store and queue because each costs 200 MB. */
export interface EmbeddedDatabase {
  readonly pglite: PreparedSession;
  /** The store runs its transactions in it, so that `pool` can tell that it is called from inside one. */
  readonly transactions: TransactionScope;
  /** The same session in the shape of node-postgres' pool. */
  readonly pool: PglitePool;
  /** Asked before each write, by the store and by `pool`. */
  readonly space: SpaceGuard;
  close(): Promise<void>;
}

/**
 * Opens, or makes, the database in a directory. One process at a time.
 *
 * A commit survives the death of the process. It survives the death of the machine only if the operating system wrote
 * it out: PGlite cannot fsync. Who needs that uses `postgres://`.
 *
 * @throws CoprocessorError `store/locked`, `store/no-space`, `store/unavailable`.
 */
export async function openEmbeddedDatabase(options: EmbeddedDatabaseOptions): Promise<EmbeddedDatabase> {
  const directory = resolve(options.directory);
  mkdirSync(dirname(directory), { recursive: true });
  const lock = acquireLockFile(`${directory}.lock`);
  try {
    await ensureCluster(directory, options.template === undefined ? undefined : resolve(options.template));
    const pglite = await PGlite.create({
      dataDir: directory,
      startParams: [
        ...PGlite.defaultStartParams,
        ...[...MEMORY, ...PLANS].flatMap((setting) => ["-c", setting]),
      ],
    });
    await pglite.query("select set_config('search_path', $1, false)", [options.searchPath]);
    const { transactions = unfollowedTransactions } = options;
    const space = guardSpace(directory, options.reserveBytes ?? RESERVE_BYTES);
    const session = preparedSession(pglite);
    const stopUpkeep = startUpkeep(session, options.log);
    return {
      pglite: session,
      transactions,
      pool: new PglitePool(session, transactions, space),
      space,
      async close() {
        await stopUpkeep();
        if (!pglite.closed) await pglite.close();
        lock.release();
      },
    };
  } catch (error) {
    lock.release();
    throw storeError(error, "open");
  }
}
