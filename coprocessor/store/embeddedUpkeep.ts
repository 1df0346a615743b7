import type { Log } from "../observe/port.ts";
import type { EmbeddedSession } from "./preparedSession.ts";

const INTERVAL_MS = 60_000;
/** Write-ahead log since the last checkpoint, above which one is due. It is also what a crash has to replay. */
const CHECKPOINT_BYTES = 32 * 1024 * 1024;
/** Dead rows above which a table is vacuumed, if they are also a fifth of the table (Postgres' own default rule). */
const DEAD_ROWS = 2_000;
const DEAD_RATIO = 0.2;

/**
 * Does what Postgres' background processes do. PGlite runs none: without this the log is never cut and dead rows are
 * never reused, and a queue's tables are nothing but updates (16 MB of log per 400 row rewrites were measured).
 *
 * @returns Stops it; resolves when nothing runs any more.
 */
export function startUpkeep(
  pglite: EmbeddedSession,
  log: Log,
  intervalMs = INTERVAL_MS,
): () => Promise<void> {
  let running: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    running = running
      .then(() => runUpkeep(pglite))
      .catch((error: unknown) => {
        log.warn({ error: String(error) }, "embedded database upkeep failed; it is tried again");
      });
  }, intervalMs);
  timer.unref();
  return async () => {
    clearInterval(timer);
    await running;
  };
}

/** One round; statements, not transactions, so that others get their turn in between. */
export async function runUpkeep(pglite: EmbeddedSession): Promise<void> {
  const bloated = await pglite.query<{ name: string }>(
    `select format('%I.%I', schemaname, relname) as name from pg_stat_user_tables
     where n_dead_tup > $1::float8 and n_dead_tup > $2::float8 * n_live_tup`,
    [DEAD_ROWS, DEAD_RATIO],
  );
  for (const { name } of bloated.rows) await pglite.exec(`vacuum (analyze) ${name}`);
  const wal = await pglite.query<{ bytes: string }>(
    "select pg_wal_lsn_diff(pg_current_wal_lsn(), redo_lsn)::text as bytes from pg_control_checkpoint()",
  );
  if (Number(wal.rows[0]?.bytes ?? 0) > CHECKPOINT_BYTES) await pglite.exec("checkpoint");
}
