import type { PGlite } from "@electric-sql/pglite";
import { NodePgDatabase, NodePgDriver } from "drizzle-orm/node-postgres";
import { type PgDatabase, PgDialect, type PgQueryResultHKT } from "drizzle-orm/pg-core";
import { PgliteDatabase, PgliteDriver } from "drizzle-orm/pglite";
import pg from "pg";
import { CoprocessorError } from "../core/errors.ts";
import type { Log } from "../observe/port.ts";
import type { EmbeddedDatabase } from "./embeddedDatabase.ts";
import type { SpaceGuard } from "./freeSpace.ts";
import { type MigrationSession, migrate } from "./migrate.ts";
import { LOGICAL_SCHEMA, type RowsOf, schemaOf } from "./oracleSchema.ts";
import { MAX_TOGETHER } from "./preparedSession.ts";
import { rowsOf } from "./recordset.ts";
import type { RoundTarget } from "./requestRounds.ts";
import type { TransactionScope } from "./transactionScope.ts";

/** A connection, or a transaction, that queries run on; the same for both drivers. */
export type Queries = PgDatabase<PgQueryResultHKT>;

/** A statement by its text, which stays the same however much it is about. */
export interface TextStatement {
  text: string;
  params: readonly unknown[];
}

/** @returns rows as the driver gives them, by the names of SQL. */
export async function runText(
  queries: Queries,
  { text, params }: TextStatement,
): Promise<Record<string, unknown>[]> {
  const query = { sql: text, params: [...params] };
  const result = await queries._.session.prepareQuery(query, undefined, undefined, false).execute();
  return rowsOf(result);
}

/** What the store needs of a database, whichever it is. */
export interface Database extends RoundTarget {
  readonly queries: Queries;
  /** Where the rows are. */
  readonly schema: string;
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

/** What a session calls the token that it writes under; see the migration `nodeLease`. */
const FENCE = "sibyl_node.fence";

/** Whose rows are opened; the schema `sibyl`, whoever's it is, when not given. */
export type Placing = { of: RowsOf; alone: boolean } | undefined;

/** The process's own embedded database; whoever opened it closes it. */
export async function useEmbedded(embedded: EmbeddedDatabase, placing?: Placing): Promise<Database> {
  const schema = await embedded.pglite.transaction((transaction) =>
    prepare(
      {
        script: async (sql) => void (await transaction.exec(sql)),
        rows: async (sql, params) =>
          (await transaction.query<Record<string, unknown>>(sql, [...(params ?? [])])).rows,
      },
      placing,
    ),
  );
  const dialect = dialectIn(schema);
  const session = new PgliteDriver(embedded.pglite as unknown as PGlite, dialect).createSession(undefined);
  return {
    queries: new PgliteDatabase(dialect, session, undefined),
    schema,
    mostAtOnce: MAX_TOGETHER,
    atOnce: async (statements) => (await embedded.pglite.queryTogether(statements)).map(({ rows }) => rows),
    transactions: embedded.transactions,
    space: embedded.space,
    close: async () => {},
  };
}

/**
 * A PostgreSQL server, 14 or newer.
 *
 * @param of.fence The token of our lease, which every write is then held to; null writes unasked.
 * @throws CoprocessorError `store/not-fenced` when the server does not know our token.
 */
export async function connectPostgres(
  url: string,
  {
    log,
    fence,
    placing,
    transactions,
  }: { log: Log; fence: bigint | null; placing?: Placing; transactions: TransactionScope },
): Promise<Database> {
  const settings = { [FENCE]: fence, idle_in_transaction_session_timeout: IDLE_TRANSACTION_MS };
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
  let schema: string;
  try {
    schema = await prepareOn(pool, placing);
    if (fence !== null) await checkFence(pool, fence);
  } catch (error) {
    await pool.end();
    throw error;
  }
  const dialect = dialectIn(schema);
  return {
    queries: new NodePgDatabase(dialect, new NodePgDriver(pool, dialect).createSession(undefined), undefined),
    schema,
    mostAtOnce: Number.POSITIVE_INFINITY,
    atOnce: (statements) => inTransaction(pool, statements),
    transactions,
    space: { check: () => {} },
    close: () => pool.end(),
  };
}

async function inTransaction(
  pool: pg.Pool,
  statements: readonly TextStatement[],
): Promise<Record<string, unknown>[][]> {
  const client = await pool.connect();
  try {
    await client.query("begin");
    const answers: Record<string, unknown>[][] = [];
    for (const { text, params } of statements) answers.push((await client.query(text, [...params])).rows);
    await client.query("commit");
    client.release();
    return answers;
  } catch (error) {
    // A refused statement leaves the connection usable; whatever else failed, dropping it rolls back too.
    const isRolledBack = await client.query("rollback").then(
      () => true,
      () => false,
    );
    client.release(!isRolledBack);
    throw error;
  }
}

/** What a URL or a pooler puts in place of our settings would leave the lease without effect. */
async function checkFence(pool: pg.Pool, fence: bigint): Promise<void> {
  const { rows } = await pool.query<{ fence: string | null }>("select current_setting($1, true) as fence", [
    FENCE,
  ]);
  if (rows[0]?.fence === fence.toString()) return;
  throw new CoprocessorError(
    "the database does not know this node's lease: DATABASE_URL must not carry options, and a pooler must pass them on",
    { code: "store/not-fenced", retry: "never", meta: { fence: fence.toString() } },
  );
}

async function prepareOn(pool: pg.Pool, placing: Placing): Promise<string> {
  const client = await pool.connect();
  try {
    await client.query("begin");
    const schema = await prepare(
      {
        script: async (sql) => void (await client.query(sql)),
        rows: async (sql, params) => (await client.query(sql, [...(params ?? [])])).rows,
      },
      placing,
    );
    await client.query("commit");
    client.release();
    return schema;
  } catch (error) {
    // Dropping the connection rolls back, also when the connection itself is what failed.
    client.release(true);
    throw error;
  }
}

/** Finds the schema and brings its tables up to date. */
async function prepare(session: MigrationSession, placing: Placing): Promise<string> {
  const schema = placing === undefined ? LOGICAL_SCHEMA : await schemaOf(session, placing.of, placing.alone);
  await migrate(session, undefined, undefined, schema);
  return schema;
}

/** Queries name the schema of schema.ts; this is where that becomes the one that the rows are in. */
function dialectIn(schema: string): PgDialect {
  const dialect = new PgDialect();
  dialect.escapeName = (name) => `"${name === LOGICAL_SCHEMA ? schema : name}"`;
  return dialect;
}
