import { AsyncLocalStorage } from "node:async_hooks";
import type { PGlite } from "@electric-sql/pglite";
import { drizzle as drizzleOnPg } from "drizzle-orm/node-postgres";
import type { PgDatabase, PgQueryResultHKT } from "drizzle-orm/pg-core";
import { drizzle as drizzleOnPglite } from "drizzle-orm/pglite";
import pg from "pg";
import { CoprocessorError } from "../core/errors.ts";
import type { Log } from "../observe/port.ts";
import type { EmbeddedDatabase } from "./embeddedDatabase.ts";
import type { SpaceGuard } from "./freeSpace.ts";
import { migrate } from "./migrate.ts";
import type { TransactionScope } from "./pglitePool.ts";

/** A connection, or a transaction, that queries run on; the same for both drivers. */
export type Queries = PgDatabase<PgQueryResultHKT>;

/** What the store needs of a database, whichever it is. */
export interface Database {
  readonly queries: Queries;
  readonly transactions: TransactionScope;
  /** Asked before each write; a server looks after its own disk. */
  readonly space: SpaceGuard;
  close(): Promise<void>;
}

/** Milliseconds until a server that does not answer counts as gone. */
const CONNECT_TIMEOUT_MS = 10_000;
const POOL_SIZE = 10;
/**
 * Milliseconds that a transaction of a node with a lease may rest: one that was paused in the middle of it holds the lease
 * in place, and must not do so for longer than the lease lasts.
 */
const IDLE_TRANSACTION_MS = 5_000;

/** The process's own embedded database; whoever opened it closes it. */
export async function useEmbedded(embedded: EmbeddedDatabase): Promise<Database> {
  await embedded.pglite.transaction((transaction) =>
    migrate({
      script: async (sql) => void (await transaction.exec(sql)),
      rows: async (sql, params) =>
        (await transaction.query<Record<string, unknown>>(sql, [...(params ?? [])])).rows,
    }),
  );
  return {
    queries: drizzleOnPglite(embedded.pglite as PGlite),
    transactions: embedded.transactions,
    space: embedded.space,
    close: async () => {},
  };
}

/**
 * A PostgreSQL server, 14 or newer.
 *
 * @param fence The token of our lease, which every write is then held to; null writes unasked.
 * @throws CoprocessorError `store/not-fenced` when the server does not know our token.
 */
export async function connectPostgres(url: string, log: Log, fence: bigint | null): Promise<Database> {
  const settings = { "sibyl.fence": fence, idle_in_transaction_session_timeout: IDLE_TRANSACTION_MS };
  const options = Object.entries(settings).map(([name, value]) => `-c ${name}=${value}`);
  const pool = new pg.Pool({
    connectionString: url,
    ...(fence === null ? {} : { options: options.join(" ") }),
    max: POOL_SIZE,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    application_name: "sibyl",
  });
  // A connection that drops is replaced at the next query; without listeners, one for those at rest and one for those
  // in the middle of a transaction, it would end the process.
  pool.on("error", (error) => log.warn({ error: error.message }, "a database connection was lost"));
  pool.on("connect", (client) => {
    client.on("error", (error) => log.debug({ error: error.message }, "a database connection failed"));
  });
  try {
    await migrateOn(pool);
    if (fence !== null) await checkFence(pool, fence);
  } catch (error) {
    await pool.end();
    throw error;
  }
  return {
    queries: drizzleOnPg(pool),
    transactions: new AsyncLocalStorage(),
    space: { check: () => {} },
    close: () => pool.end(),
  };
}

/** What a URL or a pooler puts in place of our settings would leave the lease without effect. */
async function checkFence(pool: pg.Pool, fence: bigint): Promise<void> {
  const { rows } = await pool.query<{ fence: string | null }>(
    "select current_setting('sibyl.fence', true) as fence",
  );
  if (rows[0]?.fence === fence.toString()) return;
  throw new CoprocessorError(
    "the database does not know this node's lease: DATABASE_URL must not carry options, and a pooler must pass them on",
    { code: "store/not-fenced", retry: "never", meta: { fence: fence.toString() } },
  );
}

async function migrateOn(pool: pg.Pool): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query("begin");
    await migrate({
      script: async (sql) => void (await client.query(sql)),
      rows: async (sql, params) => (await client.query(sql, [...(params ?? [])])).rows,
    });
    await client.query("commit");
    client.release();
  } catch (error) {
    // Dropping the connection rolls back, also when the connection itself is what failed.
    client.release(true);
    throw error;
  }
}
